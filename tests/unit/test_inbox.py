"""HOP 2's way in: every delivery ends in one disposition, or is asked for again."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import grpc
import httpx
import pytest
from dapr.clients.exceptions import DaprInternalError
from dapr.ext.workflow import WorkflowStatus

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.catalogue import Catalogue
from orchestrator.decision import Decider
from orchestrator.engine import Engine
from orchestrator.inbox import RETRY, SUCCESS, Inbox
from orchestrator.outbox import Outbox
from tests.support.sidecar import CallFailed, delivery

CATALOGUE = Catalogue.scan()
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


@dataclass
class FakeEngine:
    """Instances by id, what was done to them, and what a call raises instead."""

    states: dict[str, WorkflowStatus] = field(default_factory=dict)
    raises: dict[str, Exception] = field(default_factory=dict)
    done: list[tuple[Any, ...]] = field(default_factory=list)
    racing: bool = False
    """Another request for the same instance wins between the look and the start."""
    gate: Callable[[], object] = lambda: None

    def state(self, instance_id: str) -> Any:
        self.gate()
        self._call("state")
        status = self.states.get(instance_id)
        return status and type("State", (), {"runtime_status": status})()

    def schedule(self, workflow: str, value: Any, instance_id: str, cause: Any) -> bool:
        self._call("schedule", workflow, value, instance_id, cause.event_id)
        return not self.racing

    def __getattr__(self, name: str) -> Callable[..., None]:
        return partial(self._call, name)

    def _call(self, name: str, *arguments: Any) -> None:
        if name in self.raises:
            raise self.raises[name]
        if arguments:
            self.done.append((name, *arguments))


@dataclass
class FakeOutbox:
    """The dead letters that were published, or what publishing raises."""

    raises: Exception | None = None
    letters: list[tuple[Topic, CloudEvent, Refused]] = field(default_factory=list)

    def dead_letter(self, topic: Topic, event: CloudEvent, refusal: Refused) -> None:
        if self.raises:
            raise self.raises
        self.letters.append((topic, event, refusal))

    @property
    def reasons(self) -> list[Reason]:
        return [refusal.reason for _, _, refusal in self.letters]


def inbox_of(engine: FakeEngine, outbox: FakeOutbox | None = None) -> Inbox:
    real = cast(Engine, engine)
    return Inbox(Decider(CATALOGUE, real), real, cast(Outbox, outbox or FakeOutbox()))


def body(command: Any) -> bytes:
    return json.dumps(command).encode()


def test_a_request_starts_its_workflow_and_says_which_event_caused_it() -> None:
    engine = FakeEngine()
    answer = inbox_of(engine).on_request(delivery(body(START), id="e-7"))
    assert answer is SUCCESS
    assert engine.done == [("schedule", "hello_workflow", "Ada", "i-1", "e-7")]


@pytest.mark.parametrize(
    "engine", [FakeEngine({"i-1": WorkflowStatus.COMPLETED}), FakeEngine(racing=True)]
)
def test_a_request_for_an_instance_that_is_there_is_answered_for(engine: FakeEngine) -> None:
    outbox = FakeOutbox()
    assert inbox_of(engine, outbox).on_request(delivery(body(START))) is SUCCESS
    assert outbox.letters == []


def test_an_event_is_delivered() -> None:
    engine = FakeEngine({"i-1": WorkflowStatus.RUNNING})
    assert inbox_of(engine).on_event(delivery(body(APPROVE))) is SUCCESS
    assert engine.done == [("raise_event", "i-1", "approval", {"approved": True})]


@pytest.mark.parametrize(
    ("control", "status", "done"),
    [
        ("terminate", WorkflowStatus.RUNNING, ("terminate", "i-1", "enough")),
        ("suspend", WorkflowStatus.RUNNING, ("suspend", "i-1")),
        ("resume", WorkflowStatus.SUSPENDED, ("resume", "i-1")),
        ("purge", WorkflowStatus.COMPLETED, ("purge", "i-1")),
    ],
)
def test_an_instance_is_controlled(
    control: str, status: WorkflowStatus, done: tuple[Any, ...]
) -> None:
    engine = FakeEngine({"i-1": status})
    command = {"instance_id": "i-1", "control": control, "reason": "enough"}
    assert inbox_of(engine).on_event(delivery(body(command))) is SUCCESS
    assert engine.done == [done]


@pytest.mark.parametrize(
    ("topic", "data", "reason"),
    [
        (Topic.REQUESTS, b"", Reason.INVALID_EVENT),
        (Topic.REQUESTS, b"{", Reason.INVALID_JSON),
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
def test_what_cannot_be_served_is_put_aside_with_its_reason(
    topic: Topic, data: bytes, reason: Reason
) -> None:
    engine, outbox = FakeEngine(), FakeOutbox()
    inbox = inbox_of(engine, outbox)
    serve = inbox.on_request if topic is Topic.REQUESTS else inbox.on_event
    assert serve(delivery(data)) is SUCCESS
    assert outbox.reasons == [reason]
    assert (outbox.letters[0][0], outbox.letters[0][1].body) == (topic, data)
    assert engine.done == []


@pytest.mark.parametrize("missing", ["id", "source"])
def test_an_event_without_identity_is_put_aside(missing: str) -> None:
    outbox = FakeOutbox()
    inbox = inbox_of(FakeEngine(), outbox)
    message = delivery(body(START), **{missing: ""})  # type: ignore[arg-type]
    assert inbox.on_request(message) is SUCCESS
    assert outbox.reasons == [Reason.INVALID_EVENT]


@pytest.mark.parametrize("call", ["state", "schedule"])
@pytest.mark.parametrize("gone", AWAY, ids=repr)
def test_a_request_is_asked_for_again_while_the_engine_is_away(call: str, gone: Exception) -> None:
    outbox = FakeOutbox()
    inbox = inbox_of(FakeEngine(raises={call: gone}), outbox)
    assert inbox.on_request(delivery(body(START))) is RETRY
    assert outbox.letters == []


@pytest.mark.parametrize("gone", AWAY, ids=repr)
def test_an_event_is_asked_for_again_while_the_engine_is_away(gone: Exception) -> None:
    engine = FakeEngine({"i-1": WorkflowStatus.RUNNING}, raises={"raise_event": gone})
    assert inbox_of(engine).on_event(delivery(body(APPROVE))) is RETRY


@pytest.mark.parametrize("gone", AWAY, ids=repr)
def test_poison_is_asked_for_again_while_it_cannot_be_put_aside(gone: Exception) -> None:
    inbox = inbox_of(FakeEngine(), FakeOutbox(raises=gone))
    assert inbox.on_request(delivery(b"{")) is RETRY


@pytest.mark.parametrize(
    "bug",
    [
        KeyError("oops"),
        RecursionError("too deep"),
        CallFailed(grpc.StatusCode.INVALID_ARGUMENT, "too deep"),
    ],
)
def test_a_fault_of_ours_puts_the_event_aside_instead_of_going_round_for_ever(
    bug: Exception,
) -> None:
    outbox = FakeOutbox()
    inbox = inbox_of(FakeEngine(raises={"schedule": bug}), outbox)
    assert inbox.on_request(delivery(body(START))) is SUCCESS
    assert outbox.reasons == [Reason.HANDLER_ERROR]
    assert outbox.letters[0][2].message


def test_a_fault_of_ours_is_asked_for_again_while_it_cannot_be_put_aside() -> None:
    outbox = FakeOutbox(raises=CallFailed(grpc.StatusCode.INVALID_ARGUMENT))
    inbox = inbox_of(FakeEngine(raises={"schedule": KeyError("oops")}), outbox)
    assert inbox.on_request(delivery(body(START))) is RETRY


def test_a_closed_inbox_takes_nothing_and_loses_nothing() -> None:
    engine = FakeEngine()
    inbox = inbox_of(engine)
    assert inbox.close(timeout=1)
    assert inbox.on_request(delivery(body(START))) is RETRY
    assert inbox.on_event(delivery(body(APPROVE))) is RETRY
    assert engine.done == []


def test_closing_waits_for_what_is_held() -> None:
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        assert go_on.wait(10)

    engine = FakeEngine(gate=hold)
    inbox = inbox_of(engine)
    with ThreadPoolExecutor(2) as threads:
        serving = threads.submit(inbox.on_request, delivery(body(START)))
        assert held.wait(10)
        assert not inbox.close(timeout=0.01)
        closing = threads.submit(inbox.close, 10)
        assert inbox.on_request(delivery(body(START))) is RETRY
        go_on.set()
        assert closing.result(10)
        assert serving.result(10) is SUCCESS
    assert len(engine.done) == 1
