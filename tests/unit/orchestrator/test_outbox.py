"""HOP 2's only way out: the same news is the same event, and says what it is about."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from dapr.aio.clients import DaprClient
from grpc import RpcError, StatusCode

from contracts.cloudevent import CloudEvent
from contracts.events import EventDeadLettered, Outcome, Reason, WorkflowCompleted
from contracts.limits import KEPT_OF_LARGER
from contracts.refusal import Refused
from contracts.topics import PUBSUB, Topic
from orchestrator.engine.envelope import Cause
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

    async def publish_event(
        self, pubsub: str, topic: str, data: bytes, data_content_type: str
    ) -> None:
        self.published.append((pubsub, topic, json.loads(data), data_content_type))


async def completed(
    notice: WorkflowCompleted = NOTICE, cause: str | None = "e-1", depth: int = 0
) -> dict[str, Any]:
    broker = Broker()
    await Outbox(cast(DaprClient, broker)).completed(
        notice, Cause(event_id=cause, key=cause, depth=depth)
    )
    ((pubsub, topic, envelope, content_type),) = broker.published
    assert (pubsub, topic) == (PUBSUB, Topic.COMPLETIONS)
    assert content_type == "application/cloudevents+json"
    return envelope


async def dead_letter(event: CloudEvent = EVENT, topic: Topic = Topic.REQUESTS) -> dict[str, Any]:
    broker = Broker()
    await Outbox(cast(DaprClient, broker)).dead_letter(topic, event, REFUSAL, 1)
    ((_, to, envelope, _),) = broker.published
    assert to == Topic.DEAD_LETTERS
    return envelope


async def test_a_completion_says_what_ended_and_which_event_began_it() -> None:
    envelope = await completed()
    assert envelope["type"] == "usher.workflow.completed.v1"
    assert envelope["source"] == "/usher/orchestrator"
    assert envelope["subject"] == "i-1"
    assert envelope["causationid"] == "e-1"
    assert WorkflowCompleted.model_validate(envelope["data"]) == NOTICE
    assert "causationid" not in await completed(cause=None)


async def test_a_completion_carries_the_depth_of_its_run() -> None:
    assert "usherdepth" not in await completed()
    assert (await completed(depth=3))["usherdepth"] == 3


async def test_the_same_run_is_announced_under_the_same_id_whatever_its_ending() -> None:
    other = {"outcome": Outcome.TERMINATED, "finished_at": NOTICE.finished_at + timedelta(hours=1)}
    assert (await completed())["id"] == (await completed(NOTICE.model_copy(update=other)))["id"]


async def test_another_run_is_announced_under_another_id() -> None:
    another_instance = NOTICE.model_copy(update={"instance_id": "i-2"})
    another_time = NOTICE.model_copy(update={"started_at": NOTICE.started_at - timedelta(hours=1)})
    ids = [
        (await completed())["id"],
        (await completed(another_instance))["id"],
        (await completed(cause="e-2"))["id"],
        (await completed(cause=None))["id"],
        (await completed(another_time, cause=None))["id"],
    ]
    assert len(set(ids)) == len(ids)


async def test_a_dead_letter_says_why_and_holds_the_event() -> None:
    envelope = await dead_letter()
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


async def test_the_same_event_put_aside_twice_is_the_same_dead_letter() -> None:
    assert (await dead_letter())["id"] == (await dead_letter())["id"]


@pytest.mark.parametrize(
    "other",
    [
        CloudEvent("e-2", "/shop", "t", EVENT.body),
        CloudEvent("e-1", "/store", "t", EVENT.body),
        CloudEvent("", "/shop", "t", EVENT.body),
    ],
)
async def test_another_event_is_another_dead_letter(other: CloudEvent) -> None:
    assert (await dead_letter(other))["id"] != (await dead_letter())["id"]


async def test_events_without_identity_are_told_apart_by_their_bytes() -> None:
    one, same, other = (CloudEvent("", "", "", body) for body in (b"a", b"a", b"b"))
    ids = [(await dead_letter(event))["id"] for event in (one, same, other)]
    assert ids[0] == ids[1] != ids[2]


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
async def test_whatever_an_event_holds_it_can_be_put_aside(body: bytes) -> None:
    envelope = await dead_letter(CloudEvent("e-1", "/shop", "t", body))
    assert EventDeadLettered.model_validate(envelope["data"]).event.id == "e-1"


class SmallBroker(Broker):
    """A sidecar, or a broker behind it, that takes no message of more than 100,000 bytes."""

    def __init__(self, refusal: RpcError) -> None:
        super().__init__()
        self._refusal = refusal

    async def publish_event(
        self, pubsub: str, topic: str, data: bytes, data_content_type: str
    ) -> None:
        if len(data) > 100_000:
            raise self._refusal
        await super().publish_event(pubsub, topic, data, data_content_type)


class TooLarge(RpcError):
    def code(self) -> StatusCode:
        return StatusCode.RESOURCE_EXHAUSTED


class KafkaSays(RpcError):
    def code(self) -> StatusCode:
        return StatusCode.INTERNAL

    def details(self) -> str:
        return "error when publishing: kafka server: Message was too large, server rejected it"


@pytest.mark.parametrize("refusal", [TooLarge(), KafkaSays()])
@pytest.mark.parametrize("body", [b"x" * 200_000, b'"%s"' % (b"x" * 200_000), b"x" * 30_000_000])
async def test_an_event_is_put_aside_whatever_the_sidecar_takes(
    body: bytes, refusal: RpcError
) -> None:
    broker, event = SmallBroker(refusal), CloudEvent("e-1", "/shop", "t", body)
    await Outbox(cast(DaprClient, broker)).dead_letter(Topic.EVENTS, event, REFUSAL, 1)
    ((_, _, envelope, _),) = broker.published
    kept = envelope["data"]["event"]
    assert (kept["id"], kept["source"], kept["data_bytes"]) == ("e-1", "/shop", len(body))
    assert base64.b64decode(kept["data_base64"]) == body[:KEPT_OF_LARGER]
