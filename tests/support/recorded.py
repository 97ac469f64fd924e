"""Replays an instance over the history that the engine recorded, as a worker that knows nothing."""

import logging
from collections.abc import Iterator
from typing import Any

import grpc
from dapr.ext.workflow import DaprWorkflowContext

# What the SDK's worker does on each turn; it exports neither this nor a history with its payloads.
from dapr.ext.workflow._durabletask.internal import protos as pb
from dapr.ext.workflow._durabletask.internal.orchestrator_service_pb2_grpc import (
    TaskHubSidecarServiceStub,
)
from dapr.ext.workflow._durabletask.worker import _OrchestrationExecutor, _Registry

from orchestrator.authoring.catalogue import Catalogue
from orchestrator.runs.reserved import ANNOUNCE
from orchestrator.runs.wrapper import wrapped
from tests.support.driver import Driver, eventually

_SCHEDULED = {
    "scheduleTask": "taskScheduled",
    "createTimer": "timerCreated",
    "createChildWorkflow": "childWorkflowInstanceCreated",
    "completeWorkflow": "executionCompleted",
}
"""What a turn asks for, and how the history records it."""

_TOLD = ("name", "input", "taskExecutionId", "fireAt", "instanceId", "workflowStatus", "result")

Event = Any
Scheduled = tuple[int, str, dict[str, str]]


def assert_replays(usher: Driver, instance_id: str, workflows: Catalogue | None = None) -> None:
    """Run a finished instance again, turn by turn, over what happened to it.

    Each turn must schedule what it did then: the same kind, name, input, id, and time of a timer.
    """
    recorded = eventually(lambda: history(usher, instance_id), _is_finished)
    executor = _executor(
        workflows or Catalogue.scan(usher.settings.workflows, samples=True), recorded
    )
    for begin, end in _turns(recorded):
        told = [event for event in recorded[begin:end] if not _is_scheduled(event)]
        outcome = executor.execute(instance_id, recorded[:begin], told)
        again = [
            _described(action.id, _SCHEDULED[kind], getattr(action, kind))
            for action in outcome.actions
            if (kind := action.WhichOneof("workflowActionType"))
        ]
        then = [
            _described(event.eventId, kind, getattr(event, kind))
            for event in recorded[begin:end]
            if (kind := event.WhichOneof("eventType")) and _is_scheduled(event)
        ]
        assert again == then, f"a replay schedules {again}, the run scheduled {then}"


def history(usher: Driver, instance_id: str) -> list[Event]:
    """Return the engine's own record of an instance, oldest first; [] while it is being written."""
    with grpc.insecure_channel(f"127.0.0.1:{usher.settings.orchestrator_dapr_grpc_port}") as to:
        stub = TaskHubSidecarServiceStub(to)
        request = pb.GetInstanceHistoryRequest(instanceId=instance_id)
        shown = tuple(usher.stack.secrets.headers.items())
        try:
            return list(stub.GetInstanceHistory(request, timeout=10, metadata=shown).events)
        except grpc.RpcError:
            return []


def _executor(catalogue: Catalogue, recorded: list[Event]) -> Any:
    registry = _Registry()
    later = any(event.taskScheduled.name == ANNOUNCE for event in recorded)
    for name, definition in catalogue.workflows.items():
        run = wrapped(definition, lambda *_: not later)

        def orchestrator(ctx: Any, stored: Any = None, run: Any = run) -> Any:
            return run(DaprWorkflowContext(ctx), stored)

        registry.add_named_orchestrator(name, orchestrator)
    return _OrchestrationExecutor(registry, logging.getLogger(__name__))


def _turns(recorded: list[Event]) -> Iterator[tuple[int, int]]:
    begins = [at for at, event in enumerate(recorded) if event.HasField("workflowStarted")]
    yield from zip(begins, [*begins[1:], len(recorded)], strict=True)


def _is_finished(recorded: list[Event]) -> bool:
    return bool(recorded) and recorded[-1].HasField("executionCompleted")


def _is_scheduled(event: Event) -> bool:
    return event.WhichOneof("eventType") in _SCHEDULED.values()


def _described(at: int, kind: str, payload: Any) -> Scheduled:
    fields = {field.name: value for field, value in payload.ListFields()}
    return at, kind, {name: str(value) for name, value in fields.items() if name in _TOLD}
