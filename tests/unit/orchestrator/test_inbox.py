"""HOP 2's way in: every delivery ends in one disposition, or is asked for again."""

import json
from typing import Any

import grpc
import httpx
import pytest
from dapr.clients.exceptions import DaprInternalError
from dapr.ext.workflow import WorkflowStatus

from chassis.topic_server import RETRY, SUCCESS
from contracts import identity
from contracts.events import Reason
from contracts.topics import Topic
from orchestrator.engine.envelope import seal_event
from orchestrator.inbox import Inbox
from orchestrator.intake.routed_arrivals import Router
from orchestrator.metrics import Metrics
from tests.support.memory import MemoryEngine, MemoryOutbox, World
from tests.support.sidecar import CallFailed, raw_delivery

START = {"workflow": "hello_workflow", "input": "Ada", "instance_id": "i-1"}
APPROVE = {"instance_id": "i-1", "event": "approval", "data": {"approved": True}}


AWAY = [
    CallFailed(grpc.StatusCode.UNAVAILABLE),
    CallFailed(grpc.StatusCode.DEADLINE_EXCEEDED),
    CallFailed(grpc.StatusCode.UNKNOWN),
    DaprInternalError("the sidecar is not healthy"),
    httpx.ConnectError("refused"),
    ConnectionResetError("gone"),
    TimeoutError("no answer"),
]


def inbox_of(engine: MemoryEngine, outbox: MemoryOutbox | None = None) -> Inbox:
    return World(engine, outbox, parked_for=0).inbox


def body(command: Any) -> bytes:
    return json.dumps(command).encode()


async def test_a_request_starts_its_workflow_and_says_which_event_caused_it() -> None:
    engine = MemoryEngine()
    answer = await inbox_of(engine).on_request(raw_delivery(body(START), id="e-7"))
    assert answer is SUCCESS
    assert engine.done == [("schedule", "hello_workflow", "Ada", "i-1", "e-7")]


async def test_a_request_that_comes_again_is_answered_for_and_starts_nothing() -> None:
    engine, outbox = MemoryEngine(), MemoryOutbox()
    inbox = inbox_of(engine, outbox)
    for _ in range(3):
        assert await inbox.on_request(raw_delivery(body(START))) is SUCCESS
    assert engine.executions == ["i-1"]
    assert outbox.letters == []


async def test_another_event_for_a_taken_instance_is_told_by_its_input() -> None:
    engine, outbox = MemoryEngine(), MemoryOutbox()
    inbox = inbox_of(engine, outbox)
    other = {**START, "input": "Eve"}
    for event_id, command in (("e-1", START), ("e-2", START), ("e-3", other)):
        assert await inbox.on_request(raw_delivery(body(command), id=event_id)) is SUCCESS
    assert engine.executions == ["i-1"]
    assert outbox.reasons == [Reason.INSTANCE_EXISTS]


async def test_an_event_is_delivered() -> None:
    engine = MemoryEngine({"i-1": WorkflowStatus.RUNNING})
    assert await inbox_of(engine).on_event(raw_delivery(body(APPROVE))) is SUCCESS
    sealed = seal_event(identity.event_key("/test", "event-1"), {"approved": True})
    assert engine.done == [("raise_event", "i-1", "approval", sealed)]


@pytest.mark.parametrize(
    ("control", "status", "done"),
    [
        ("terminate", WorkflowStatus.RUNNING, ("terminate", "i-1", "enough")),
        ("suspend", WorkflowStatus.RUNNING, ("suspend", "i-1")),
        ("resume", WorkflowStatus.SUSPENDED, ("resume", "i-1")),
        ("purge", WorkflowStatus.COMPLETED, ("purge", "i-1")),
    ],
)
async def test_an_instance_is_controlled(
    control: str, status: WorkflowStatus, done: tuple[Any, ...]
) -> None:
    engine = MemoryEngine({"i-1": status})
    command = {"instance_id": "i-1", "control": control, "reason": "enough"}
    assert await inbox_of(engine).on_event(raw_delivery(body(command))) is SUCCESS
    assert engine.done == [done]


@pytest.mark.parametrize(
    ("control", "status"),
    [
        ("suspend", WorkflowStatus.SUSPENDED),
        ("resume", WorkflowStatus.RUNNING),
        ("terminate", WorkflowStatus.TERMINATED),
    ],
)
async def test_an_instance_that_is_as_it_is_wanted_is_left_alone(
    control: str, status: WorkflowStatus
) -> None:
    engine = MemoryEngine({"i-1": status})
    command = {"instance_id": "i-1", "control": control}
    assert await inbox_of(engine).on_event(raw_delivery(body(command))) is SUCCESS
    assert engine.done == []


@pytest.mark.parametrize(
    ("topic", "data", "reason"),
    [
        (Topic.REQUESTS, b"", Reason.INVALID_EVENT),
        (Topic.REQUESTS, b"{,}", Reason.INVALID_JSON),
        (Topic.REQUESTS, b"\xff", Reason.INVALID_JSON),
        (Topic.REQUESTS, body({"workflow": "nobody"}), Reason.UNKNOWN_WORKFLOW),
        (Topic.REQUESTS, body({**START, "input": 7}), Reason.INVALID_INPUT),
        (Topic.REQUESTS, body({**START, "instance_id": "a b"}), Reason.INVALID_INSTANCE_ID),
        (Topic.REQUESTS, body(APPROVE), Reason.INVALID_REQUEST),
        (Topic.REQUESTS, body("x" * 1024 * 1024), Reason.OVERSIZE),
        (Topic.EVENTS, body(APPROVE), Reason.UNKNOWN_INSTANCE),
        (Topic.EVENTS, body(START), Reason.INVALID_REQUEST),
    ],
)
async def test_what_cannot_be_served_is_put_aside_with_its_reason(
    topic: Topic, data: bytes, reason: Reason
) -> None:
    engine, outbox = MemoryEngine(), MemoryOutbox()
    inbox = inbox_of(engine, outbox)
    serve = inbox.on_request if topic is Topic.REQUESTS else inbox.on_event
    assert await serve(raw_delivery(data)) is SUCCESS
    assert outbox.reasons == [reason]
    assert (outbox.letters[0][0], outbox.letters[0][1].body) == (topic, data)
    assert engine.done == []


@pytest.mark.parametrize("missing", ["id", "source"])
async def test_an_event_without_identity_is_put_aside(missing: str) -> None:
    outbox = MemoryOutbox()
    inbox = inbox_of(MemoryEngine(), outbox)
    message = raw_delivery(body(START), **{missing: ""})  # type: ignore[arg-type]
    assert await inbox.on_request(message) is SUCCESS
    assert outbox.reasons == [Reason.INVALID_EVENT]


@pytest.mark.parametrize("gone", AWAY, ids=repr)
async def test_a_request_is_asked_for_again_while_the_engine_is_away(gone: Exception) -> None:
    outbox = MemoryOutbox()
    inbox = inbox_of(MemoryEngine(raises={"schedule": gone}), outbox)
    assert await inbox.on_request(raw_delivery(body(START))) is RETRY
    assert outbox.letters == []


@pytest.mark.parametrize("gone", AWAY, ids=repr)
async def test_an_event_is_asked_for_again_while_the_engine_is_away(gone: Exception) -> None:
    engine = MemoryEngine({"i-1": WorkflowStatus.RUNNING}, raises={"raise_event": gone})
    engine.well = False
    assert await inbox_of(engine).on_event(raw_delivery(body(APPROVE))) is RETRY


@pytest.mark.parametrize("gone", AWAY, ids=repr)
async def test_poison_is_asked_for_again_while_it_cannot_be_put_aside(gone: Exception) -> None:
    inbox = inbox_of(MemoryEngine(), MemoryOutbox(raises=gone))
    assert await inbox.on_request(raw_delivery(b"{")) is RETRY


@pytest.mark.parametrize(
    "bug",
    [
        KeyError("oops"),
        RecursionError("too deep"),
        CallFailed(grpc.StatusCode.INVALID_ARGUMENT, "too deep"),
    ],
)
async def test_a_fault_of_ours_puts_the_event_aside_instead_of_going_round_for_ever(
    bug: Exception,
) -> None:
    outbox = MemoryOutbox()
    inbox = inbox_of(MemoryEngine(raises={"schedule": bug}), outbox)
    assert await inbox.on_request(raw_delivery(body(START))) is SUCCESS
    assert outbox.reasons == [Reason.HANDLER_ERROR]
    assert outbox.letters[0][2].message


async def test_a_fault_of_ours_is_asked_for_again_while_it_cannot_be_put_aside() -> None:
    outbox = MemoryOutbox(raises=CallFailed(grpc.StatusCode.INVALID_ARGUMENT))
    inbox = inbox_of(MemoryEngine(raises={"schedule": KeyError("oops")}), outbox)
    assert await inbox.on_request(raw_delivery(body(START))) is RETRY


async def test_deliveries_in_hand_are_counted() -> None:
    async def look() -> None:
        seen.append(b"in_flight 1.0" in metrics.text())

    seen: list[bool] = []
    engine, metrics = MemoryEngine({"i-1": WorkflowStatus.RUNNING}, gate=look), Metrics()
    inbox = Inbox(World(engine).dispatcher, metrics, Router((), {}))
    await inbox.on_event(raw_delivery(body(APPROVE)))
    await look()
    assert (seen[0], seen[-1]) == (True, False)
