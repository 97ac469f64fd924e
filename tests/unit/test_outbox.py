"""HOP 2's only way out: the same news is the same event, and says what it is about."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from dapr.clients import DaprClient

from contracts.cloudevent import CloudEvent
from contracts.events import EventDeadLettered, Outcome, Reason, WorkflowCompleted
from contracts.refusal import Refused
from contracts.topics import PUBSUB, Topic
from orchestrator.envelope import Cause
from orchestrator.outbox import Outbox

NOTICE = WorkflowCompleted(
    instance_id="i-1",
    workflow="hello_workflow",
    outcome=Outcome.COMPLETED,
    output={"final_greeting": "Hello, Ada!"},
    started_at=datetime(2030, 1, 1, tzinfo=UTC),
    finished_at=datetime(2030, 1, 1, 0, 0, 2, tzinfo=UTC),
    duration_s=2.0,
)
EVENT = CloudEvent("e-1", "/shop", "t", b'{"workflow": 7}', attributes={"sequence": "3"})
REFUSAL = Refused(Reason.INVALID_REQUEST, "workflow: not a string", "workflow")


class Broker:
    """Takes the place of the SDK's client and keeps what it is given."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str, dict[str, Any], str]] = []

    def publish_event(self, pubsub: str, topic: str, data: bytes, data_content_type: str) -> None:
        self.published.append((pubsub, topic, json.loads(data), data_content_type))


def completed(notice: WorkflowCompleted = NOTICE, cause: str | None = "e-1") -> dict[str, Any]:
    broker = Broker()
    Outbox(cast(DaprClient, broker)).completed(notice, Cause(event_id=cause, key=cause))
    ((pubsub, topic, envelope, content_type),) = broker.published
    assert (pubsub, topic) == (PUBSUB, Topic.COMPLETIONS)
    assert content_type == "application/cloudevents+json"
    return envelope


def dead_letter(event: CloudEvent = EVENT, topic: Topic = Topic.REQUESTS) -> dict[str, Any]:
    broker = Broker()
    Outbox(cast(DaprClient, broker)).dead_letter(topic, event, REFUSAL, 1)
    ((_, to, envelope, _),) = broker.published
    assert to == Topic.DEAD_LETTERS
    return envelope


def test_a_completion_says_what_ended_and_which_event_began_it() -> None:
    envelope = completed()
    assert envelope["type"] == "usher.workflow.completed.v1"
    assert envelope["source"] == "/usher/orchestrator"
    assert envelope["subject"] == "i-1"
    assert envelope["causationid"] == "e-1"
    assert WorkflowCompleted.model_validate(envelope["data"]) == NOTICE
    assert "causationid" not in completed(cause=None)


def test_the_same_run_is_announced_under_the_same_id_whatever_its_ending() -> None:
    other = {"outcome": Outcome.TERMINATED, "finished_at": NOTICE.finished_at + timedelta(hours=1)}
    assert completed()["id"] == completed(NOTICE.model_copy(update=other))["id"]


def test_another_run_is_announced_under_another_id() -> None:
    another_instance = NOTICE.model_copy(update={"instance_id": "i-2"})
    another_time = NOTICE.model_copy(update={"started_at": NOTICE.started_at - timedelta(hours=1)})
    ids = [
        completed()["id"],
        completed(another_instance)["id"],
        completed(cause="e-2")["id"],
        completed(cause=None)["id"],
        completed(another_time, cause=None)["id"],
    ]
    assert len(set(ids)) == len(ids)


def test_a_dead_letter_says_why_and_holds_the_event() -> None:
    envelope = dead_letter()
    assert envelope["type"] == "usher.event.deadlettered.v1"
    assert envelope["causationid"] == "e-1"
    letter = EventDeadLettered.model_validate(envelope["data"])
    assert (letter.reason, letter.field) == (Reason.INVALID_REQUEST, "workflow")
    assert (letter.topic, letter.attempts) == (Topic.REQUESTS, 1)
    assert envelope["data"]["event"] == {
        "id": "e-1",
        "source": "/shop",
        "type": "t",
        "datacontenttype": "application/json",
        "sequence": "3",
        "data": {"workflow": 7},
    }


def test_the_same_event_put_aside_twice_is_the_same_dead_letter() -> None:
    assert dead_letter()["id"] == dead_letter()["id"]


@pytest.mark.parametrize(
    "other",
    [
        CloudEvent("e-2", "/shop", "t", EVENT.body),
        CloudEvent("e-1", "/store", "t", EVENT.body),
        CloudEvent("", "/shop", "t", EVENT.body),
    ],
)
def test_another_event_is_another_dead_letter(other: CloudEvent) -> None:
    assert dead_letter(other)["id"] != dead_letter()["id"]


def test_events_without_identity_are_told_apart_by_their_bytes() -> None:
    one, same, other = (CloudEvent("", "", "", body) for body in (b"a", b"a", b"b"))
    assert dead_letter(one)["id"] == dead_letter(same)["id"] != dead_letter(other)["id"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        rb'{"workflow": "\ud800"}',
        b'{"workflow": "nobody", "input": ' + b"[" * 300 + b"]" * 300 + b"}",
        b"9" * 5_000,
    ],
    ids=["empty", "not UTF-8", "half a surrogate pair", "deep", "a long number"],
)
def test_whatever_an_event_holds_it_can_be_put_aside(body: bytes) -> None:
    envelope = dead_letter(CloudEvent("e-1", "/shop", "t", body))
    assert EventDeadLettered.model_validate(envelope["data"]).event.id == "e-1"
