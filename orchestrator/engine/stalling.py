"""Has the engine stall a run whose code is not here, where the SDK would fail it for good.

A stalled run keeps its history. It goes on by itself once a worker connects that has its code. What
is private of the SDK's worker here is written against dapr 1.19, as in `sdk_worker`.
"""

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext
from dapr.ext.workflow._durabletask.internal import protos as pb
from dapr.ext.workflow._durabletask.task import NonDeterminismError
from dapr.ext.workflow._durabletask.worker import VersionNotRegisteredException

NUDGE = "usher_nudge"
"""An event that nobody waits for: it only causes a turn."""

_log = structlog.get_logger()


def stall_unknown(worker: Any) -> None:
    """Have the engine stall a run whose workflow is not registered, which the SDK would fail."""
    registry = worker._registry
    find = registry.get_orchestrator

    def found(name: str, version_name: str | None = None) -> Any:
        function, version = find(name, version_name=version_name)
        if function is None:
            raise VersionNotRegisteredException(name)
        return function, version

    registry.get_orchestrator = found


def stall_where_code_differs(ctx: DaprWorkflowContext) -> Callable[[], None]:
    """Have the engine stall a run whose history does not fit the code, which the SDK would fail.

    Return what ends that: from then on an error is the run's own.
    """
    inner: Any = getattr(ctx, "_DaprWorkflowContext__obj", ctx)
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


def stall_a_turn_later(worker: Any) -> None:
    """Let a run not stall in its first turn, nor in the turn of a timer, but in the one after it.

    daprd 1.18 does not save what caused such a turn where it stalls: the run can never be read, or
    never go on. So the turn does nothing, which the engine saves whole, and an event that nobody
    waits for causes another, which stalls. A crash between the two leaves the run standing until
    the next event for it.
    """
    send = worker._send_orchestrator_response

    def sends(request: Any, stub: Any, response: Any, token: Any) -> None:
        must_not = any(
            event.HasField("timerFired") or event.HasField("executionStarted")
            for event in request.newEvents
        )
        past = _past(worker, request) if must_not else []
        if not (must_not and _stalls(response, past)):
            send(request, stub, response, token)
            return
        idle = pb.WorkflowResponse(instanceId=request.instanceId, completionToken=token)
        idle.customStatus.CopyFrom(response.customStatus)
        if patches := _patches(past):
            idle.version.patches.extend(patches)
        send(request, stub, idle, token)
        _log.warning("a run is stalled a turn later", instance_id=request.instanceId)
        stub.RaiseEvent(pb.RaiseEventRequest(instanceId=request.instanceId, name=NUDGE))

    worker._send_orchestrator_response = sends


def _past(worker: Any, request: Any) -> list[Any]:
    """Return the history before a turn: as it was sent, or as the worker has kept it."""
    if not request.HasField("cachedHistory"):
        return list(request.pastEvents)
    return worker._history_cache.get(request.instanceId) or []


def _patches(events: Iterable[Any]) -> list[str]:
    started = (event.workflowStarted for event in events if event.HasField("workflowStarted"))
    return [patch for one in started for patch in one.version.patches]


def _stalls(response: Any, past: list[Any]) -> bool:
    """Tell whether the engine would stall the run: it says so, or lacks a patch of its history."""
    if any(action.HasField("workflowVersionNotAvailable") for action in response.actions):
        return True
    before = _patches(past)
    return bool(before) and list(response.version.patches)[: len(before)] != before
