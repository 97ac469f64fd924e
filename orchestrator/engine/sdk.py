"""Everything private of the Dapr SDK that Usher uses: no other module names it.

The SDK has no public way to see that its worker's loop has ended, to intercept the tasks that it
runs, to purge by force, or to name a task that fails. Written against dapr 1.19;
`tests/unit/orchestrator/engine/test_sdk.py` pins every name used here, so an upgrade that moves one
fails there.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from copy import copy
from typing import Any

from dapr.clients.grpc._state import Concurrency, Consistency, StateOptions
from dapr.ext.workflow import DaprWorkflowContext, RetryPolicy, WorkflowRuntime
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import protos as pb
from dapr.ext.workflow._durabletask.internal.shared import is_async_callable
from dapr.ext.workflow._durabletask.task import (
    CompositeTask,
    NonDeterminismError,
    Task,
    TaskFailedError,
)
from dapr.ext.workflow._durabletask.worker import VersionNotRegisteredException
from dapr.ext.workflow.aio import DaprWorkflowClient

__all__ = ("NonDeterminismError", "Task", "VersionNotRegisteredException", "pb")

FIRST_WRITE = StateOptions(concurrency=Concurrency.first_write, consistency=Consistency.strong)
"""The SDK does not export the options of a write to the state store."""

Send = Callable[[Any], None]
"""Sends one answer with the stub that it is given."""
Find = Callable[..., tuple[Any, Any]]
"""Finds a workflow by `name` and `version_name`; returns function and version, or None."""
Answer = Callable[[Any, Any, Any, Any], None]
"""Sends the answer of a turn: from its request, the stub, the answer and its token."""
Follow = Callable[[Any], Task[Any] | TaskFailedError]


def inner_client(client: DaprWorkflowClient) -> Any:
    """Return the client inside the SDK's client, which can do more."""
    return getattr(client, "_DaprWorkflowClient__obj")  # noqa: B009


def inner_context(ctx: DaprWorkflowContext) -> Any:
    """Return the context inside the SDK's context, which knows more of its run."""
    return getattr(ctx, "_DaprWorkflowContext__obj", ctx)


def is_over(ctx: Any) -> bool:
    """Return whether the run was ended in this turn, so that later events do not matter."""
    return bool(ctx._is_complete)


def patches_of(ctx: Any) -> set[str]:
    """Return the patches in the history of a run."""
    return set(ctx._history_patches)


async def purge_by_force(client: DaprWorkflowClient, instance_id: str) -> None:
    """Remove an instance whatever its state."""
    request = pb.PurgeInstancesRequest(instanceId=instance_id, force=True)
    await inner_client(client)._get_stub().PurgeInstances(request)


def with_never_retried(policy: RetryPolicy, error_types: Sequence[str]) -> RetryPolicy:
    """Return a retry policy that does not retry errors of these types either."""
    patient = copy(policy)
    patient._obj = inner = copy(policy.obj)
    inner._non_retryable_error_types = {*(inner.non_retryable_error_types or ()), *error_types}
    return patient


class TaskThenTask(CompositeTask[Any]):
    """A task that waits for `first`, and then for what `then` makes of its result.

    It ends as the second does, or fails where the first fails or `then` returns an error.
    """

    def __init__(self, first: Task[Any], then: Follow) -> None:
        self._then = then
        self._second: Task[Any] | None = None
        super().__init__([first])

    def on_child_completed(self, task: Task[Any]) -> None:
        if task.is_failed:
            self._exception = task.get_exception()
        elif task is self._second:
            self._result = task.get_result()
        else:
            second = self._then(task.get_result())
            if isinstance(second, Task):
                self._second, second._parent, self._tasks = second, self, [second]
                return
            self._exception = second
        self._is_complete = True
        if self._parent is not None:
            self._parent.on_child_completed(self)


class SdkWorker:
    """The worker inside a `WorkflowRuntime`. Create it before the runtime is started."""

    def __init__(self, runtime: WorkflowRuntime) -> None:
        self.runtime = runtime
        self._worker: Any = getattr(runtime, "_WorkflowRuntime__worker")  # noqa: B009
        self.run_activity = self._worker._execute_activity
        self.run_async_activity = self._worker._execute_activity_async
        self.run_turn = self._worker._execute_orchestrator
        self._ended: str | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        """The loop that hands out tasks, once it runs."""
        self._watch_manager()

    def _watch_manager(self) -> None:
        manager = self._worker._async_worker_manager
        run = manager.run

        async def watched() -> None:
            self.loop = asyncio.get_running_loop()
            try:
                await run()
            except BaseException as error:
                self._ended = f"it no longer reads its queues: {type(error).__name__}: {error}"
                raise
            self._ended = "it no longer reads its queues"

        manager.run = watched

    @property
    def ended(self) -> str | None:
        """Why the worker runs no more tasks, or None while it does.

        Its stream to the sidecar may still be open, so the sidecar sees a healthy worker.
        """
        thread = self._worker._runLoop
        if thread is not None and not thread.is_alive():
            return "its thread has ended"
        return self._ended

    def intercept(
        self,
        activity: Callable[..., Coroutine[Any, Any, None]],
        async_activity: Callable[..., Coroutine[Any, Any, None]],
        turn: Callable[..., None],
        may_answer: Callable[[], bool],
    ) -> None:
        """Run tasks by these functions, which get the arguments of the SDK's own methods.

        The first two are awaited on the worker's loop; `turn` is called in a thread of its pool.
        An answer is sent only if `may_answer` returns True in the thread that sends it.
        """
        self._drop_late_answers(may_answer)
        self._worker._execute_activity = activity
        self._worker._execute_activity_async = async_activity
        self._worker._execute_orchestrator = turn

    def _drop_late_answers(self, may_answer: Callable[[], bool]) -> None:
        """Send nothing for a turn that was failed and returns after all."""
        send = self._worker._send_on_current_connection

        def sends(answer: Send, what: str) -> None:
            if may_answer():
                send(answer, what)

        self._worker._send_on_current_connection = sends

    def intercept_lookups(self, around: Callable[[Find], Find]) -> None:
        """Find workflows by what `around` makes of the SDK's own way."""
        registry = self._worker._registry
        registry.get_orchestrator = around(registry.get_orchestrator)

    def intercept_answers(self, around: Callable[[Answer], Answer]) -> None:
        """Send the answers of turns by what `around` makes of the SDK's own way."""
        answer = self._worker._send_orchestrator_response
        self._worker._send_orchestrator_response = around(answer)

    def past(self, request: pb.WorkflowRequest) -> list[Any]:
        """Return the history before a turn: from its request, or from the worker's cache."""
        if not request.HasField("cachedHistory"):
            return list(request.pastEvents)
        return self._worker._history_cache.get(request.instanceId) or []

    def whole(self, request: pb.WorkflowRequest) -> pb.WorkflowRequest:
        """Return a turn's request with its whole history, of which the worker caches a part."""
        whole = pb.WorkflowRequest()
        whole.CopyFrom(request)
        events = self._worker._resolve_history(request)
        whole.ClearField("cachedHistory")
        del whole.pastEvents[:]
        whole.pastEvents.extend(events)
        return whole

    def answer_turn(self, request: Any, answer: bytes, token: Any) -> None:
        """Send the answer of a turn that ran in another process."""
        response = pb.WorkflowResponse.FromString(answer)
        past = list(self.whole(request).pastEvents)
        self._worker._update_history_cache(request.instanceId, past, response.actions)
        self._send_turn(request, response, token)

    def fail_turn(self, request: Any, error: Exception, token: Any) -> None:
        """End an instance as FAILED without running its code."""
        failed_status: Any = pb.ORCHESTRATION_STATUS_FAILED
        details = helpers.new_failure_details(error)
        failed = helpers.new_complete_workflow_action(-1, failed_status, "", details)
        self._worker._history_cache.delete(request.instanceId)
        response = pb.WorkflowResponse(
            instanceId=request.instanceId, actions=[failed], completionToken=token
        )
        self._send_turn(request, response, token)

    def answer_activity(self, request: Any, answer: bytes, token: Any) -> None:
        """Send the answer of an activity that ran in another process."""
        response = pb.ActivityResponse.FromString(answer)
        instance_id = request.workflowInstance.instanceId
        self._worker._deliver_activity_response(request, response, token, instance_id)

    def _send_turn(self, request: Any, response: pb.WorkflowResponse, token: Any) -> None:
        self._worker._send_on_current_connection(
            lambda stub: self._worker._send_orchestrator_response(request, stub, response, token),
            f"the answer of a turn of {request.instanceId!r}",
        )

    def capture(self, keep: Callable[[Any], None]) -> None:
        """Give the worker's answers to `keep`, as this worker is not connected."""

        class Stub:
            """Replaces the connection to the sidecar."""

            def CompleteActivityTask(self, response: Any, **_: Any) -> None:  # noqa: N802
                keep(response)

            CompleteOrchestratorTask = CompleteActivityTask

        self._worker._send_on_current_connection = lambda send, _: send(Stub())

    def run(self, kind: str, request: bytes, token: str) -> Coroutine[Any, Any, None]:
        """Run the task of a serialized request; `capture` receives its answer."""
        if kind == "workflow":
            turn = pb.WorkflowRequest.FromString(request)
            return asyncio.to_thread(self.run_turn, turn, token, lambda: None)
        asked = pb.ActivityRequest.FromString(request)
        function = self._worker._registry.get_activity(asked.name)
        if is_async_callable(function):
            run: Coroutine[Any, Any, None] = self.run_async_activity(function, asked, token)
            return run
        return asyncio.to_thread(self.run_activity, function, asked, token)
