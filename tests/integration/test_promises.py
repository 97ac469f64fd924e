"""P1, P3, P4, P5, P6, P8: each promise by name, on the real runtime.

Each in both ways of announcing an ending (`ORCHESTRATOR_ANNOUNCE`).
"""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.runs.reserved import ANNOUNCE
from tests.support.driver import Driver, eventually, fresh

SERVED = 60

pytestmark = pytest.mark.parametrize(
    "usher",
    [
        pytest.param("running_stack", id="last_turn"),
        pytest.param("by_activity", id="activity", marks=pytest.mark.xdist_group("by_activity")),
    ],
    indirect=True,
)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _done(file: Path) -> list[str]:
    """What was done, each execution once: attempts under one execution are no doubling."""
    return [line.split()[0] for line in dict.fromkeys(_lines(file))]


def _outcome(usher: Driver, event_id: str) -> dict[str, Any] | None:
    """What the ledger has of an event; None while there is nothing, or no orchestrator to ask."""
    params = {"source": "/tests", "id": event_id}
    try:
        answer = usher.http.get(usher.url("orchestrator", "/events"), params=params)
    except httpx.TransportError:
        return None
    return answer.json() if answer.is_success else None


def _settled(usher: Driver, event_id: str, seconds: float = SERVED) -> dict[str, Any]:
    final = eventually(
        lambda: _outcome(usher, event_id),
        lambda seen: seen is not None and seen["disposition"] != "claimed",
        seconds,
    )
    assert final is not None
    return final


def _restarted(usher: Driver) -> None:
    """Have the orchestrator die and wait until it serves again; its sidecar lives on."""
    pid = usher.stack.pids()["orchestrator"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: usher.stack.pids().get("orchestrator"), lambda now: now not in (None, pid))
    usher.stack.wait_healthy()


def _quiet(usher: Driver) -> None:
    for topic in ("workflow-requests", "workflow-events"):
        eventually(lambda: usher.pending(topic), lambda pending: pending == 0, SERVED)  # noqa: B023


def _start(usher: Driver, event_id: str, instance: str, **tally: Any) -> None:
    workflow = tally.pop("workflow", "counting_workflow")
    command = {"workflow": workflow, "instance_id": instance, "input": tally}
    usher.cloudevent("workflow-requests", event_id, command)


def _tick(usher: Driver, instance: str, data: Any, event_id: str = "", **more: Any) -> str:
    event_id = event_id or fresh("tick")
    attributes = more.pop("attributes", {})
    command = {"instance_id": instance, "event": "tick", "data": data, **more}
    usher.cloudevent("workflow-events", event_id, command, **attributes)
    return event_id


def test_p1_one_start_for_fifty_copies_of_one_event_also_after_the_end_and_after_purge(
    usher: Driver, tmp_path: Path
) -> None:
    event_id, instance, file = fresh("event"), fresh("count"), tmp_path / "tally"

    def publish(_: int) -> None:
        _start(usher, event_id, instance, file=str(file))

    with ThreadPoolExecutor(16) as crowd:
        list(crowd.map(publish, range(50)))
    usher.notice(instance, SERVED)
    publish(0)
    eventually(
        lambda: _outcome(usher, event_id), lambda seen: bool(seen and seen["duplicates"] == 50)
    )
    usher.publish("workflow-events", {"instance_id": instance, "control": "purge"})
    eventually(lambda: usher.status(instance), lambda status: status is None)
    publish(0)
    final = eventually(
        lambda: _outcome(usher, event_id), lambda seen: bool(seen and seen["duplicates"] == 51)
    )
    assert final is not None
    assert final["disposition"] == "started"
    assert final["instance_id"] == instance
    assert _done(file) == ["started"]
    assert len(usher.notices(instance)) == 1


def test_p1_fifty_copies_without_an_instance_id(usher: Driver, tmp_path: Path) -> None:
    event_id, file = fresh("event"), tmp_path / "tally"
    command = {"workflow": "counting_workflow", "input": {"file": str(file)}}
    barrier = threading.Barrier(16)

    def publish(place: int) -> None:
        if place < 16:
            barrier.wait(timeout=10)
        usher.cloudevent("workflow-requests", event_id, command)

    with ThreadPoolExecutor(16) as crowd:
        list(crowd.map(publish, range(50)))
    settled = eventually(
        lambda: _outcome(usher, event_id), lambda seen: bool(seen and seen["duplicates"] == 49)
    )
    assert settled is not None
    usher.notice(settled["instance_id"], SERVED)
    assert _done(file) == ["started"]


@pytest.mark.parametrize("when", ["while it runs", "after the end"])
def test_p1_an_instance_id_is_taken_once(usher: Driver, tmp_path: Path, when: str) -> None:
    instance, file = fresh("count"), tmp_path / "tally"
    events = 1 if when == "while it runs" else 0
    first, same, other = fresh("event"), fresh("event"), fresh("event")
    _start(usher, first, instance, file=str(file), events=events)
    assert _settled(usher, first)["disposition"] == "started"
    if not events:
        usher.notice(instance)

    _start(usher, same, instance, file=str(file), events=events)
    _start(usher, other, instance, file=str(file), events=events + 1)

    assert _settled(usher, same)["disposition"] == "duplicate"
    assert _settled(usher, other)["disposition"] == "dead_lettered"
    letter = usher.dead_letter(other)
    assert (letter["reason"], letter["field"]) == ("instance_exists", "instance_id")
    assert _done(file) == ["started"]


def test_p1_a_derived_instance_id_is_not_for_others(usher: Driver, tmp_path: Path) -> None:
    event_id, other, file = fresh("event"), fresh("event"), tmp_path / "tally"
    command = {"workflow": "counting_workflow", "input": {"file": str(file)}}
    usher.cloudevent("workflow-requests", event_id, command)
    instance = _settled(usher, event_id)["instance_id"]
    usher.notice(instance)
    _start(usher, other, instance, file=str(file), events=3)
    assert _settled(usher, other)["disposition"] == "dead_lettered"
    letter = usher.dead_letter(other)
    assert (letter["reason"], letter["field"]) == ("invalid_instance_id", "instance_id")
    assert _done(file) == ["started"]


@pytest.mark.parametrize("restart", [False, True], ids=["", "after a restart"])
def test_p3_early_events_wait_and_come_in_the_order_they_were_accepted(
    usher: Driver, tmp_path: Path, restart: bool
) -> None:
    if restart:  # decision 0002: the sidecar must not have unsubscribed
        _restarted(usher)
    instance, file = fresh("count"), tmp_path / "tally"
    ids = [_tick(usher, instance, number) for number in range(20)]
    for event_id in ids:
        assert _settled(usher, event_id)["disposition"] == "parked"

    def waiting() -> set[str]:
        parked = usher.get("orchestrator", "/parked", limit=1000)["items"]
        return {one["id"] for one in parked if one["instance_id"] == instance}

    eventually(waiting, set(ids).__eq__)  # listed once its deadline is kept, a write after the rest

    _start(usher, fresh("event"), instance, file=str(file), events=20)

    assert usher.notice(instance, SERVED)["output"] == list(range(20))
    for event_id in ids:
        assert _settled(usher, event_id)["disposition"] == "delivered"


def test_p3_the_extension_sequence_decides_the_order_where_it_is_there(
    usher: Driver, tmp_path: Path
) -> None:
    instance = fresh("count")
    for number in (10, 2, 33, 1):
        event_id = _tick(usher, instance, number, attributes={"sequence": str(number)})
        _settled(usher, event_id)
    _start(usher, fresh("event"), instance, file=str(tmp_path / "tally"), events=4)
    assert usher.notice(instance, SERVED)["output"] == [1, 2, 10, 33]


def test_p3_an_event_that_nobody_comes_for_expires(usher: Driver) -> None:
    event_id = _tick(usher, fresh("nobody"), 1, ttl_seconds=2)
    assert _settled(usher, event_id)["disposition"] == "parked"
    letter = usher.dead_letter(event_id, SERVED)
    assert letter["reason"] == "expired"
    eventually(
        lambda: _outcome(usher, event_id), lambda e: e is not None and e["disposition"] == "expired"
    )


def test_p3_start_and_event_at_the_same_moment(usher: Driver, tmp_path: Path) -> None:
    pairs = [fresh("count") for _ in range(20)]
    file = tmp_path / "tally"
    with ThreadPoolExecutor(8) as crowd:
        for instance in pairs:
            crowd.submit(_start, usher, fresh("event"), instance, file=str(file), events=1)
            crowd.submit(_tick, usher, instance, instance)
    for instance in pairs:
        assert usher.notice(instance, SERVED)["output"] == [instance]


def test_p4_a_late_event_is_dead_lettered(usher: Driver, tmp_path: Path) -> None:
    instance = fresh("count")
    _start(usher, fresh("event"), instance, file=str(tmp_path / "tally"))
    usher.notice(instance)
    # An activity announces the end while the run goes on for a moment.
    eventually(lambda: usher.status(instance), lambda status: status == "COMPLETED")
    event_id = _tick(usher, instance, 1)
    assert usher.dead_letter(event_id)["reason"] == "instance_finished"
    usher.publish("workflow-events", {"instance_id": instance, "control": "purge"})
    eventually(lambda: usher.status(instance), lambda status: status is None)
    event_id = _tick(usher, instance, 1)
    assert usher.dead_letter(event_id)["reason"] == "instance_finished"


@pytest.mark.parametrize("workflow", ["counting_workflow", "generations_workflow"])
def test_p5_the_same_event_five_times_is_seen_once(
    usher: Driver, tmp_path: Path, workflow: str
) -> None:
    instance, file = fresh("count"), tmp_path / "tally"
    _start(usher, fresh("event"), instance, workflow=workflow, file=str(file), events=3)
    usher.running(instance)
    for data in ("a", "b", "c"):
        event_id = fresh("tick")
        for _ in range(5):
            _tick(usher, instance, data, event_id)
    usher.notice(instance, SERVED)
    assert [done for done in _done(file) if done != "started"] == ["tick:a", "tick:b", "tick:c"]


def test_p6_a_terminated_instance_is_announced_once(usher: Driver, tmp_path: Path) -> None:
    instance, event_id = fresh("count"), fresh("event")
    _start(usher, event_id, instance, file=str(tmp_path / "tally"), events=1)
    usher.running(instance)
    usher.publish("workflow-events", {"instance_id": instance, "control": "terminate"})
    notice = usher.notice(instance, SERVED)
    assert notice["outcome"] == "TERMINATED"
    _quiet(usher)
    assert len(usher.notices(instance)) == 1


def test_p6_terminated_behind_our_back_is_announced_too(usher: Driver, tmp_path: Path) -> None:
    instance = fresh("count")
    _start(usher, fresh("event"), instance, file=str(tmp_path / "tally"), events=1)
    usher.running(instance)
    usher.ask_engine(f"{instance}/terminate").raise_for_status()
    assert usher.notice(instance, 60)["outcome"] == "TERMINATED"


def test_p6_a_run_that_fails_outside_of_its_own_code_is_announced_too(
    usher: Driver, tmp_path: Path
) -> None:
    """The SDK fails a run that is replayed differently; no line of ours runs then."""
    instance, event_id, file = fresh("fickle"), fresh("event"), tmp_path / "there"
    command = {"workflow": "fickle_workflow", "instance_id": instance, "input": {"file": str(file)}}
    usher.cloudevent("workflow-requests", event_id, command)
    _settled(usher, event_id)
    history = f"/instances/{instance}/history"
    eventually(
        lambda: [one["type"] for one in usher.get("orchestrator", history)["items"]],
        lambda types: "TASK_COMPLETED" in types,
    )
    file.touch()
    _tick(usher, instance, 1)
    notice = usher.notice(instance, SERVED)
    assert notice["outcome"] == "FAILED"
    assert notice["error"]["type"] == "NonDeterminismError"
    assert len(usher.notices(instance)) == 1


def test_p8_poison_stays_apart(usher: Driver) -> None:
    deep = b'{"workflow":' + b"[" * 5000 + b"]" * 5000 + b"}"
    digits = b'{"workflow":"hello_workflow","input":' + b"9" * 5000 + b"}"
    large = json.dumps({"workflow": "hello_workflow", "input": "x" * 1_200_000}).encode()
    for body in (deep, digits, large, b"\xff\xfe", b'{"a":1,"a":2}', b"[]", b"null"):
        usher.http.post(
            f"http://127.0.0.1:{usher.settings.starter_dapr_http_port}"
            "/v1.0/publish/pubsub/workflow-requests",
            content=body,
            headers={"content-type": "application/json"},
        )
    healthy = [fresh("hello") for _ in range(10)]
    for instance in healthy:
        usher.request("hello_workflow", instance_id=instance, input="Ada")
    for instance in healthy:
        assert usher.notice(instance, SERVED)["outcome"] == "COMPLETED"
    assert usher.dead_letters(reason="oversize")
    _quiet(usher)


def test_p5_an_ending_is_announced_in_the_way_that_is_set(
    usher: Driver, request: pytest.FixtureRequest
) -> None:
    instance = fresh("hello")
    usher.request("hello_workflow", instance_id=instance, input="Ada")
    usher.notice(instance, SERVED)
    eventually(lambda: usher.status(instance), "COMPLETED".__eq__)
    history = usher.get("orchestrator", f"/instances/{instance}/history")
    by_activity = request.node.callspec.id == "activity"
    assert (ANNOUNCE in json.dumps(history)) == by_activity
