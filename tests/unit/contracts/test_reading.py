"""From an event's data to a command: each reason to refuse it, and the field at fault."""

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from contracts.cloudevent import CloudEvent
from contracts.commands import Command, ControlInstance, RaiseEvent, StartWorkflow
from contracts.events import Reason
from contracts.limits import MAX_DATA_BYTES
from contracts.reading import read_command, read_command_from, topic_of
from contracts.refusal import Refused
from contracts.topics import Topic

START = {"workflow": "hello_workflow"}
EVENT = {"instance_id": "i-1", "event": "approval"}
CONTROL = {"instance_id": "i-1", "control": "terminate"}


def event(data: Any, **attributes: str) -> CloudEvent:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return replace(CloudEvent("e-1", "/test", "t", body), **attributes)  # type: ignore[arg-type]


def refused(data: Any, topic: Topic | None = None, **attributes: str) -> Refused:
    read = partial(read_command_from, topic) if topic else read_command
    with pytest.raises(Refused) as found:
        read(event(data, **attributes))
    return found.value


@pytest.mark.parametrize(
    ("data", "command", "topic"),
    [
        (START, StartWorkflow(workflow="hello_workflow"), Topic.REQUESTS),
        (
            {**START, "input": {"name": "Ada"}, "key": "7"},
            StartWorkflow(workflow="hello_workflow", input={"name": "Ada"}, key="7"),
            Topic.REQUESTS,
        ),
        (EVENT, RaiseEvent(instance_id="i-1", event="approval"), Topic.EVENTS),
        (
            {"workflow": "w", "key": "7", "event": "approval", "data": [1], "ttl_seconds": 5},
            RaiseEvent(workflow="w", key="7", event="approval", data=[1], ttl_seconds=5),
            Topic.EVENTS,
        ),
        (
            {**CONTROL, "reason": "enough"},
            ControlInstance(instance_id="i-1", control="terminate", reason="enough"),
            Topic.EVENTS,
        ),
    ],
)
def test_a_command_is_read_and_goes_on_its_topic(data: Any, command: Command, topic: Topic) -> None:
    assert read_command_from(topic, event(data)) == command
    assert topic_of(command) is topic


def test_fields_that_an_envelope_does_not_know_are_ignored() -> None:
    assert read_command(event({**START, "colour": "red"})) == StartWorkflow(**START)


@pytest.mark.parametrize(
    ("data", "reason", "field"),
    [
        (b"", Reason.INVALID_EVENT, "data"),
        (b"{", Reason.INVALID_JSON, "data"),
        (b'{"workflow": "a", "workflow": "b"}', Reason.INVALID_JSON, "data"),
        (b'{"workflow": "a", "input": NaN}', Reason.INVALID_JSON, "data"),
        (b'{"workflow": "\xff"}', Reason.INVALID_JSON, "data"),
        (b'{"workflow": "a", "input": "\\ud800"}', Reason.INVALID_JSON, "data"),
        (b'{"workflow": "a", "input": 1e999}', Reason.INVALID_JSON, "data"),
        (b'{"workflow": "a", "input": ' + b"9" * 5_000 + b"}", Reason.INVALID_JSON, "data"),
        (b"[" * 5_000 + b"]" * 5_000, Reason.INVALID_JSON, "data"),
        (
            b'{"workflow": "a", "input": ' + b"[" * 300 + b"]" * 300 + b"}",
            Reason.INVALID_JSON,
            "data",
        ),
        (b'{"workflow": "' + b"x" * MAX_DATA_BYTES + b'"}', Reason.OVERSIZE, "data"),
        ([START], Reason.INVALID_REQUEST, "data"),
        (None, Reason.INVALID_REQUEST, "data"),
        (7, Reason.INVALID_REQUEST, "data"),
        ({}, Reason.INVALID_REQUEST, "workflow"),
        ({"input": "Ada"}, Reason.INVALID_REQUEST, "workflow"),
        ({"workflow": 7}, Reason.INVALID_REQUEST, "workflow"),
        ({"workflow": ""}, Reason.INVALID_REQUEST, "workflow"),
        ({"workflow": "w" * 129}, Reason.INVALID_REQUEST, "workflow"),
        ({**START, "key": ""}, Reason.INVALID_REQUEST, "key"),
        ({**START, "instance_id": "a b"}, Reason.INVALID_INSTANCE_ID, "instance_id"),
        ({**START, "instance_id": "a\n"}, Reason.INVALID_INSTANCE_ID, "instance_id"),
        ({**START, "instance_id": "a" * 129}, Reason.INVALID_INSTANCE_ID, "instance_id"),
        ({**START, "instance_id": ""}, Reason.INVALID_INSTANCE_ID, "instance_id"),
        ({**EVENT, "control": "purge"}, Reason.INVALID_REQUEST, "control"),
        ({**EVENT, "event": ""}, Reason.INVALID_REQUEST, "event"),
        ({**EVENT, "ttl_seconds": -1}, Reason.INVALID_REQUEST, "ttl_seconds"),
        ({**EVENT, "ttl_seconds": "5"}, Reason.INVALID_REQUEST, "ttl_seconds"),
        ({**CONTROL, "control": "explode"}, Reason.INVALID_REQUEST, "control"),
        ({**CONTROL, "reason": 7}, Reason.INVALID_REQUEST, "reason"),
    ],
)
def test_what_cannot_be_served_names_reason_and_field(
    data: Any, reason: Reason, field: str
) -> None:
    found = refused(data)
    assert (found.reason, found.field) == (reason, field)
    assert found.message


@pytest.mark.parametrize(
    "data",
    [
        {"event": "approval"},
        {"event": "approval", "key": "7"},
        {"event": "approval", "workflow": "w"},
        {"event": "approval", "workflow": "w", "key": "7", "instance_id": "i-1"},
        {"control": "purge"},
    ],
)
def test_an_event_names_one_instance_and_the_refusal_says_how(data: Any) -> None:
    found = refused(data)
    assert found.reason is Reason.INVALID_REQUEST
    assert "name the instance" in found.message


def test_text_came_as_a_json_string_from_the_sidecar_and_is_no_json_all_the_same() -> None:
    assert refused(b'"hello there"').reason is Reason.INVALID_JSON


def test_a_refusal_of_two_fields_tells_of_both() -> None:
    found = refused({**EVENT, "ttl_seconds": -1, "event": 7})
    assert "ttl_seconds" in found.message
    assert str(found).startswith("event: ")


@pytest.mark.parametrize(
    ("topic", "data"),
    [(Topic.REQUESTS, EVENT), (Topic.REQUESTS, CONTROL), (Topic.EVENTS, START)],
)
def test_a_command_on_the_wrong_topic_is_refused_and_told_the_right_one(
    topic: Topic, data: Any
) -> None:
    found = refused(data, topic)
    assert found.reason is Reason.INVALID_REQUEST
    right = Topic.EVENTS if topic is Topic.REQUESTS else Topic.REQUESTS
    assert right in found.message


@pytest.mark.parametrize("missing", ["id", "source"])
def test_an_event_without_id_or_source_is_refused_whatever_it_carries(missing: str) -> None:
    found = refused(START, Topic.REQUESTS, **{missing: ""})
    assert (found.reason, found.field) == (Reason.INVALID_EVENT, missing)


def test_as_much_data_as_is_served_is_served() -> None:
    frame = b'{"workflow": "a", "input": ""}'
    filler = b"x" * (MAX_DATA_BYTES - len(frame))
    command = read_command(event(frame[:-2] + filler + b'"}'))
    assert isinstance(command, StartWorkflow)
