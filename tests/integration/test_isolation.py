"""Nothing of one instance holds up another: stalled runs, turns that do not return, odd names."""

import json
from pathlib import Path

import pytest

from contracts.events import Reason
from tests.support.driver import Document, Driver, eventually, fresh


def served(usher: Driver) -> None:
    """A healthy run starts, gets its event and ends, all within 20 s."""
    healthy = fresh("healthy")
    usher.request("approval_workflow", instance_id=healthy)
    usher.event(healthy, "approval", {"approved": True, "by": "Grace"})
    assert usher.notice(healthy, seconds=20)["outcome"] == "COMPLETED"


def parked(usher: Driver, instance_id: str) -> list[Document]:
    items = usher.get("orchestrator", "/parked", limit=1000)["items"]
    return [one for one in items if one["instance_id"] == instance_id]


def stalled(usher: Driver, marker: Path) -> str:
    """Return an instance that the engine has stalled, since a patch is gone from its code."""
    instance_id = fresh("patched")
    usher.request("patched_workflow", instance_id=instance_id, input={"marker": str(marker)})
    usher.running(instance_id)
    marker.touch()
    usher.event(instance_id, "paid", 1)
    eventually(lambda: usher.status(instance_id), lambda status: status == "STALLED")
    return instance_id


def test_p2_events_of_a_stalled_run_wait_and_go_on_with_the_code_that_it_was_started_with(
    usher: Driver, tmp_path: Path
) -> None:
    marker = tmp_path / "the-patch-is-gone"
    instance_id = stalled(usher, marker)
    usher.event(instance_id, "seen", 2)
    (waiting,) = eventually(lambda: parked(usher, instance_id), bool)
    assert "is stalled" in waiting["why"]
    served(usher)
    marker.unlink()
    with usher.away("orchestrator"):
        pass
    assert usher.notice(instance_id, seconds=60)["output"] == [1, 2]


def test_a_stalled_run_is_shown_with_its_reason_and_is_ended_by_terminate(
    usher: Driver, tmp_path: Path
) -> None:
    instance_id = stalled(usher, tmp_path / "gone")
    usher.event(instance_id, "seen", 2)
    eventually(lambda: parked(usher, instance_id), bool)
    shown = usher.get("orchestrator", f"/instances/{instance_id}")["stalled"]
    assert shown["reason"] == "PATCH_MISMATCH"
    assert "night" in shown["message"]
    assert shown["since"]

    def named() -> bool:
        found = usher.get("orchestrator", "/doctor")["items"]
        return any(instance_id in one["where"] for one in found)

    eventually(named, bool, seconds=60)
    usher.publish("workflow-events", {"instance_id": instance_id, "control": "suspend"})
    assert usher.dead_letter(instance_id)["reason"] == Reason.INSTANCE_STALLED
    served(usher)
    ends = {"instance_id": instance_id, "control": "terminate", "reason": "by hand"}
    usher.publish("workflow-events", ends)
    notice = usher.notice(instance_id)
    assert (notice["outcome"], notice["error"]["type"]) == ("TERMINATED", "PATCH_MISMATCH")
    eventually(lambda: usher.status(instance_id), lambda status: status is None)

    def reasons() -> set[str]:
        letters = [one for one in usher.dead_letters() if instance_id in json.dumps(one["event"])]
        return {one["reason"] for one in letters}

    eventually(reasons, lambda found: Reason.INSTANCE_FINISHED in found, seconds=60)
    assert len(usher.notices(instance_id)) == 1
    served(usher)


def test_a_run_whose_history_is_too_large_is_ended_by_terminate(usher: Driver) -> None:
    instance_id = fresh("heavy")
    usher.request("heavy_workflow", instance_id=instance_id, input=20)
    eventually(lambda: usher.status(instance_id), lambda status: status == "STALLED", seconds=60)
    usher.event(instance_id, "paid", 1)
    served(usher)
    usher.publish("workflow-events", {"instance_id": instance_id, "control": "terminate"})
    notice = usher.notice(instance_id)
    assert notice["outcome"] == "TERMINATED"
    assert notice["error"]["type"] == "PAYLOAD_SIZE_EXCEEDED"
    served(usher)


def test_p2_a_turn_that_does_not_return_holds_up_no_other_instance(usher: Driver) -> None:
    instance_id = fresh("blocked")
    usher.request("blocked_workflow", instance_id=instance_id)
    usher.event(instance_id, "paid", "first")
    eventually(lambda: parked(usher, instance_id), bool)
    usher.event(instance_id, "paid", "second")
    usher.publish("workflow-events", {"instance_id": instance_id, "control": "suspend"})
    served(usher)
    usher.request("opening_workflow", input=instance_id)
    assert usher.notice(instance_id, seconds=60)["output"] == "first"


def test_p6_an_instance_whose_id_begins_like_ours_is_announced_when_it_is_terminated(
    usher: Driver,
) -> None:
    instance_id = fresh("usher_expired_orders")
    usher.request("approval_workflow", instance_id=instance_id)
    usher.running(instance_id)
    listed = usher.get("orchestrator", "/instances", limit=1000)["items"]
    assert instance_id in [one["instance_id"] for one in listed]
    usher.ask_engine(f"{instance_id}/terminate").raise_for_status()
    assert usher.notice(instance_id, seconds=60)["outcome"] == "TERMINATED"


@pytest.mark.parametrize("command", [{"workflow": "hello_workflow"}, {"event": "e"}])
def test_an_id_of_our_own_runs_is_refused_at_the_door_and_off_the_topic(
    usher: Driver, command: Document
) -> None:
    own = f"usher_expire-{fresh('x')}"
    topic = "workflow-requests" if "workflow" in command else "workflow-events"
    usher.publish(topic, {**command, "instance_id": own})
    assert usher.dead_letter(own)["reason"] == Reason.INVALID_INSTANCE_ID
    answer = usher.post("/workflows/hello_workflow", params={"instance_id": own}, json="Ada")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "instance_id"


def test_a_child_with_an_automatic_id_takes_events(usher: Driver) -> None:
    parent = fresh("trip")
    usher.request("calling_workflow", instance_id=parent)

    def child() -> str | None:
        waiting = usher.get("orchestrator", "/waiting", limit=1000)["items"]
        return next(
            (w["instance_id"] for w in waiting if w["instance_id"].startswith(parent)), None
        )

    found = eventually(child, bool)
    assert found
    assert ":" in found
    usher.event(found, "paid", "by name")
    assert usher.notice(parent)["output"] == "by name"


def test_turns_that_block_for_good_fail_and_hold_up_nobody(usher: Driver) -> None:
    """More than the sidecar hands out at a time: none of them ever comes to a `yield`."""
    blocked = [fresh("stuck") for _ in range(20)]
    for instance_id in blocked:
        usher.request("stuck_workflow", instance_id=instance_id)
    served(usher)
    for instance_id in blocked:
        notice = usher.notice(instance_id, seconds=60)
        assert notice["outcome"] == "FAILED"
        assert notice["error"]["type"] == "TurnTimeout"
        assert "isolation_workflows.py" in notice["error"]["message"]
    assert "a turn of a workflow blocks" in usher.log("orchestrator")
    served(usher)


def test_an_instance_that_the_engine_cannot_read_breaks_no_list_and_is_ended(
    usher: Driver,
) -> None:
    broken = fresh("broken")
    usher.request("approval_workflow", instance_id=broken)
    usher.running(broken)
    with usher.redis() as redis:
        (record,) = redis.keys(f"*||{broken}||history-000000")
        redis.delete(record)
    with usher.away("orchestrator"):
        pass  # what the sidecar remembers of it is gone
    usher.event(broken, "approval", {"approved": True})
    (waiting,) = eventually(lambda: parked(usher, broken), bool)
    assert "stalled" in waiting["why"]
    served(usher)
    listed = usher.get("orchestrator", "/instances", limit=1000, status="STALLED")["items"]
    (shown,) = [one for one in listed if one["instance_id"] == broken]
    assert shown["stalled"]["reason"] == "UNREADABLE"
    assert "missing from state store" in shown["stalled"]["message"]
    usher.publish("workflow-events", {"instance_id": broken, "control": "terminate"})
    notice = usher.notice(broken, seconds=90)
    assert (notice["outcome"], notice["error"]["type"]) == ("TERMINATED", "UNREADABLE")
    assert usher.dead_letter(broken, seconds=60)["reason"] == Reason.INSTANCE_FINISHED
    served(usher)
