"""A workflow that waits goes on when its event comes, and ends on its own when none does."""

from functools import partial
from operator import eq

from tests.support.driver import Driver, eventually, fresh


def test_an_approval_that_gets_its_event_goes_on(usher: Driver) -> None:
    instance = fresh("approval")
    usher.request("approval_workflow", instance_id=instance, input={"subject": "a laptop"})
    usher.running(instance)

    usher.event(instance, "approval", {"approved": True, "by": "Grace"})

    notice = usher.notice(instance)
    assert notice["output"] == {"decision": "approved", "subject": "a laptop", "by": "Grace"}
    assert notice["custom_status"] == "waiting for approval of a laptop"


def test_an_event_through_the_starter_arrives_too(usher: Driver) -> None:
    instance = fresh("approval")
    usher.request("approval_workflow", instance_id=instance)
    usher.running(instance)
    answer = usher.post(f"/instances/{instance}/events/approval", json={"approved": False})
    assert answer.status_code == 202
    assert answer.json()["instance_id"] == instance
    assert usher.notice(instance)["output"]["decision"] == "rejected"


def test_an_instance_may_be_named_by_workflow_and_key(usher: Driver) -> None:
    key = fresh("key")
    usher.request("approval_workflow", key=key)
    usher.running(f"approval_workflow-{key}")
    command = {"workflow": "approval_workflow", "key": key, "event": "approval"}
    usher.publish("workflow-events", {**command, "data": {"approved": True}})
    assert usher.notice(f"approval_workflow-{key}")["output"]["decision"] == "approved"


def test_nobody_answers_and_the_deadline_decides(usher: Driver) -> None:
    instance = fresh("approval")
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 1})
    assert usher.notice(instance)["output"]["decision"] == "timed_out"


def test_an_instance_is_suspended_resumed_terminated_and_purged(usher: Driver) -> None:
    instance = fresh("approval")
    usher.request("approval_workflow", instance_id=instance)
    usher.running(instance)
    steps = [
        ("suspend", "SUSPENDED"),
        ("resume", "RUNNING"),
        ("resume", "RUNNING"),  # of one that runs: the SDK would fail it
        ("terminate", "TERMINATED"),
        ("purge", None),
        ("purge", None),  # of one that is gone
    ]
    for control, status in steps:
        usher.publish("workflow-events", {"instance_id": instance, "control": control})
        eventually(lambda: usher.status(instance), partial(eq, status))
