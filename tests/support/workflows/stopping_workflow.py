"""A workflow whose activity stops the event loop of the worker that runs it."""

import gc
import threading
from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from dapr.ext.workflow._durabletask.worker import TaskHubGrpcWorker

from usher import activity, workflow


@activity
def stopping_activity(_: WorkflowActivityContext, __: Any) -> str:
    """Stop the worker's event loop, by way of the garbage collector."""
    for worker in [one for one in gc.get_objects() if isinstance(one, TaskHubGrpcWorker)]:
        loop = worker._async_worker_manager._queue_event_loop
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)
    threading.Event().wait(2)  # or the answer would be sent all the same
    return "alive"


@workflow()
def stopping_workflow(ctx: DaprWorkflowContext, _: Any) -> Generator[Any, Any, str]:
    """Call the activity."""
    return str((yield ctx.call_activity(stopping_activity, input=None)))
