"""Stalls a run whose code is not here. The SDK would fail it for good.

A stalled run keeps its history and goes on once a worker with its code connects.
"""

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext

from orchestrator.engine.sdk import (
    Answer,
    Find,
    NonDeterminismError,
    SdkWorker,
    VersionNotRegisteredException,
    inner_context,
    pb,
)

NUDGE = "usher_nudge"
"""An event that no workflow waits for. It only causes a turn."""

_log = structlog.get_logger()


def stall_runs_without_code(worker: SdkWorker) -> None:
    """Stall the runs whose workflow is not registered, at a turn that the engine can save."""
    worker.intercept_lookups(_stall_unknown)
    worker.intercept_answers(lambda answer: _stall_a_turn_later(worker, answer))


def stall_where_code_differs(ctx: DaprWorkflowContext) -> Callable[[], None]:
    """Stall a run whose history does not fit the code.

    Return a function that ends this: after it, such an error fails the run.
    """
    inner = inner_context(ctx)
    fail = inner.set_failed

    def failed(error: Exception) -> None:
        if isinstance(error, NonDeterminismError):
            inner.set_version_not_registered()
        else:
            fail(error)

    def release() -> None:
        inner.set_failed = fail

    inner.set_failed = failed
    return release


def _stall_unknown(find: Find) -> Find:
    def found(name: str, version_name: str | None = None) -> tuple[Any, Any]:
        function, version = find(name, version_name=version_name)
        if function is None:
            raise VersionNotRegisteredException(name)
        return function, version

    return found


def _stall_a_turn_later(worker: SdkWorker, answer: Answer) -> Answer:
    """Stall a run one turn later, where it would stall in its first turn or in a timer's turn.

    Where such a turn stalls, daprd 1.18 does not save its cause: the run can never be read again,
    or never goes on. So this turn does nothing, which the engine saves as usual. Then an event that
    no workflow waits for causes another turn, which stalls. After a crash between the two, the run
    stands still until its next event.
    """

    def answers(request: Any, stub: Any, response: Any, token: Any) -> None:
        must_not = any(
            event.HasField("timerFired") or event.HasField("executionStarted")
            for event in request.newEvents
        )
        past = worker.past(request) if must_not else []
        if not (must_not and _stalls(response, past)):
            answer(request, stub, response, token)
            return
        idle = pb.WorkflowResponse(instanceId=request.instanceId, completionToken=token)
        idle.customStatus.CopyFrom(response.customStatus)
        if patches := _patches(past):
            idle.version.patches.extend(patches)
        answer(request, stub, idle, token)
        _log.warning("a run is stalled a turn later", instance_id=request.instanceId)
        stub.RaiseEvent(pb.RaiseEventRequest(instanceId=request.instanceId, name=NUDGE))

    return answers


def _patches(events: Iterable[Any]) -> list[str]:
    started = (event.workflowStarted for event in events if event.HasField("workflowStarted"))
    return [patch for one in started for patch in one.version.patches]


def _stalls(response: Any, past: list[Any]) -> bool:
    """Return whether an answer stalls the run: it says so, or lacks a patch of the history."""
    if any(action.HasField("workflowVersionNotAvailable") for action in response.actions):
        return True
    before = _patches(past)
    return bool(before) and list(response.version.patches)[: len(before)] != before
