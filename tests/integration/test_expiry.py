"""An event that has expired starts nothing, reaches nobody, and is put aside as `expired`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh

LONG_AGO = "2020-01-01T00:00:00Z"
REQUESTS, EVENTS = "workflow-requests", "workflow-events"


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"expiration": LONG_AGO}, "expiration"),
        ({"expirytime": LONG_AGO}, "expirytime"),
        ({"ttlInSeconds": 5, "time": LONG_AGO}, "ttlInSeconds"),
        ({"ttlinseconds": "5", "time": LONG_AGO}, "ttlinseconds"),
    ],
)
def test_an_expired_request_starts_nothing(
    usher: Driver, attributes: dict[str, Any], field: str
) -> None:
    late, next_ = fresh("late"), fresh("next")
    command = {"workflow": "hello_workflow", "instance_id": late}
    usher.cloudevent(REQUESTS, late, command, **attributes)
    letter = usher.dead_letter(late)
    assert (letter["reason"], letter["field"]) == ("expired", field)
    entry = usher.get("orchestrator", "/events", source="/tests", id=late)
    assert entry["disposition"] == "expired"
    usher.request("hello_workflow", instance_id=next_)
    usher.notice(next_)
    assert usher.status(late) is None


def test_a_time_to_live_that_the_sidecar_was_told_bounds_an_event(usher: Driver) -> None:
    """daprd makes `expiration` of it. While the orchestrator is away, the time runs out."""
    late, in_time = fresh("late"), fresh("in-time")
    url = f"http://127.0.0.1:{usher.settings.starter_dapr_http_port}/v1.0/publish/pubsub/{REQUESTS}"
    with usher.away("orchestrator"):
        for instance, seconds in ((late, 1), (in_time, 600)):
            command = {"workflow": "hello_workflow", "instance_id": instance}
            params = {"metadata.ttlInSeconds": seconds}
            usher.http.post(url, json=command, params=params).raise_for_status()
        expired = datetime.now(UTC) + timedelta(seconds=2)
        eventually(lambda: datetime.now(UTC), lambda now: now > expired)
    usher.notice(in_time)
    letter = usher.dead_letter(late)
    assert (letter["reason"], letter["field"]) == ("expired", "expiration")
    assert usher.status(late) is None


def test_an_expired_event_or_control_reaches_nobody(usher: Driver) -> None:
    instance = fresh("trip")
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 600})
    usher.running(instance)
    for command in ({"event": "approval", "data": {"approved": True}}, {"control": "terminate"}):
        event_id = fresh("late")
        whole = {"instance_id": instance, **command}
        usher.cloudevent(EVENTS, event_id, whole, expiration=LONG_AGO)
        letter = usher.dead_letter(event_id)
        assert (letter["reason"], letter["field"]) == ("expired", "expiration")
    assert usher.status(instance) == "RUNNING"
    in_time = {"instance_id": instance, "event": "approval", "data": {"approved": True}}
    usher.cloudevent(EVENTS, fresh("in-time"), in_time, expiration=soon(600))
    assert usher.notice(instance)["outcome"] == "COMPLETED"


def test_an_event_waits_for_its_instance_no_longer_than_it_lives(usher: Driver) -> None:
    event_id, instance = fresh("event"), fresh("nobody")
    command = {"instance_id": instance, "event": "approval"}
    usher.cloudevent(EVENTS, event_id, command, expiration=soon(3))
    letter = usher.dead_letter(event_id, seconds=40)
    assert letter["reason"] == "expired"


def test_at_the_door_an_expired_event_is_refused(usher: Driver) -> None:
    event_id = fresh("late")
    data = {"workflow": "hello_workflow"}
    envelope = {"specversion": "1.0", "id": event_id, "source": "/tests", "type": "t", "data": data}
    for attributes, reason in (
        ({"expiration": LONG_AGO}, "expired"),
        ({"expiration": "soon"}, "invalid_event"),
    ):
        headers = {"content-type": "application/cloudevents+json"}
        answer = usher.post("/events", json={**envelope, **attributes}, headers=headers)
        assert answer.status_code == 422
        problem = answer.json()
        assert problem["reason"] == reason
        assert [error["field"] for error in problem["errors"]] == ["expiration"]


def test_a_redrive_serves_an_event_whose_time_ran_out_aside(usher: Driver) -> None:
    """It was put aside for another reason, and a person wants it now."""
    event_id, instance = fresh("event"), fresh("instance")
    command = {"workflow": "no_such_workflow", "instance_id": instance}
    usher.cloudevent(REQUESTS, event_id, command, expiration=soon(600))
    letter = usher.dead_letter(event_id)
    assert letter["reason"] == "unknown_workflow"
    [item] = run_usher(usher, "redrive", "--id", letter["id"])["items"]
    assert (item["would"], item["field"]) == ("dead_lettered", "workflow")
