"""What cannot be served is put aside with its reason, the field at fault and the event itself."""

from typing import Any

import pytest

from tests.support.driver import Driver, eventually, fresh

REQUESTS = [
    ("unknown_workflow", "workflow", {"workflow": "no_such_workflow"}),
    ("invalid_input", "input.nme", {"workflow": "hello_workflow", "input": {"nme": "Ada"}}),
    ("invalid_input", "input.name", {"workflow": "hello_workflow", "input": {"name": 7}}),
    ("invalid_instance_id", "instance_id", {"workflow": "hello_workflow", "instance_id": "a b"}),
    ("invalid_instance_id", "key", {"workflow": "hello_workflow", "key": "a/b"}),
    ("invalid_request", "workflow", {"input": "Ada"}),
    ("invalid_request", "workflow", {"workflow": 7}),
    ("invalid_request", "data", {"instance_id": "x", "event": "for-the-other-topic"}),
]


@pytest.mark.parametrize(("reason", "field", "command"), REQUESTS)
def test_a_request_that_cannot_be_served_names_reason_and_field(
    usher: Driver, reason: str, field: str, command: dict[str, Any]
) -> None:
    event_id = fresh("event")
    usher.cloudevent("workflow-requests", event_id, command)

    letter = usher.dead_letter(event_id)

    assert letter["reason"] == reason
    assert letter["field"] == field
    assert letter["topic"] == "workflow-requests"
    assert letter["message"]
    assert letter["event"]["id"] == event_id
    assert letter["event"]["source"] == "/tests"
    assert letter["event"]["data"] == command
    assert letter["attempts"] >= 1
    assert letter["redriven_at"] is None


def test_an_event_for_nobody_that_may_not_wait_is_put_aside(usher: Driver) -> None:
    event_id = fresh("event")
    command = {"instance_id": fresh("nobody"), "event": "approval", "ttl_seconds": 0}
    usher.cloudevent("workflow-events", event_id, command)
    assert usher.dead_letter(event_id)["reason"] == "unknown_instance"


def test_an_event_for_a_finished_instance_is_put_aside(usher: Driver) -> None:
    instance, event_id = fresh("hello"), fresh("event")
    usher.request("hello_workflow", instance_id=instance)
    usher.notice(instance)
    usher.cloudevent("workflow-events", event_id, {"instance_id": instance, "event": "approval"})
    assert usher.dead_letter(event_id)["reason"] == "instance_finished"


def test_text_that_is_not_json_is_put_aside_as_it_came(usher: Driver) -> None:
    text = f"not json {fresh('mark')}"
    usher.publish("workflow-requests", text.encode())
    letter = usher.dead_letter(text)
    assert letter["reason"] == "invalid_json"
    assert letter["event"]["data"] == text


@pytest.mark.parametrize("topic", ["workflow-requests", "workflow-events"])
def test_an_entry_that_is_no_cloudevent_is_put_aside_as_it_is(usher: Driver, topic: str) -> None:
    mark = fresh("garbage")
    usher.append(topic, mark)
    letter = usher.dead_letter(mark)
    assert letter["reason"] == "invalid_json"
    assert letter["event"]["data"] == mark


BAD_ENVELOPES = [
    ({"data_base64": "not base64!"}, "data_base64"),
    ({"datacontenttype": "text/plain", "data": {"no": "text"}}, "workflow"),
    ({"datacontenttype": "application/xml", "data": 7}, "data"),
]


@pytest.mark.parametrize("topic", ["workflow-requests", "workflow-events"])
@pytest.mark.parametrize(("wrong", "field"), BAD_ENVELOPES)
def test_what_a_sidecar_cannot_decode_stops_nobody(
    usher: Driver, topic: str, wrong: dict[str, Any], field: str
) -> None:
    bad, instance = fresh("bad"), fresh("approval")
    event = {"specversion": "1.0", "id": bad, "source": "/tests", "type": "test", **wrong}
    usher.publish(topic, event, "application/cloudevents+json")
    usher.request("approval_workflow", instance_id=instance)
    usher.running(instance)
    usher.event(instance, "approval", {"approved": True})
    assert usher.notice(instance)["outcome"] == "COMPLETED"
    assert usher.dead_letter(bad)["field"] == field


def test_the_door_refuses_what_could_never_be_served_and_publishes_nothing(usher: Driver) -> None:
    mark = fresh("mark")
    answer = usher.post("/workflows/hello_workflow", params={"instance_id": f"{mark} !"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == "instance_id"
    after = fresh("hello")
    usher.request("hello_workflow", instance_id=after)
    usher.notice(after)
    assert mark not in str(usher.dead_letters())


def test_a_failed_workflow_is_announced_with_its_error(usher: Driver) -> None:
    instance = fresh("fail")
    usher.request("fail_workflow", instance_id=instance, input={"message": "no luck"})
    notice = usher.notice(instance)
    assert notice["outcome"] == "FAILED"
    assert notice["output"] is None
    assert "no luck" in notice["error"]["message"]
    eventually(lambda: usher.status(instance), lambda status: status == "FAILED")
