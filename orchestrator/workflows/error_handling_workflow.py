"""A workflow that handles a failure: it catches the error, compensates, and chooses its end."""

from collections.abc import Generator
from typing import Any, NoReturn

import structlog
from dapr.ext.workflow import DaprWorkflowContext, TaskFailedError, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow


class Task(BaseModel):
    """What to try, and whether the workflow itself fails once it has cleaned up."""

    task_data: str = "a task"
    reraise: bool = False


@activity
def always_fail_activity(ctx: WorkflowActivityContext, task_data: str) -> NoReturn:
    """Raise, always."""
    log = structlog.get_logger()
    log.warning("about to fail", workflow_id=ctx.workflow_id, task_id=ctx.task_id)
    raise RuntimeError(f"cannot do {task_data}")


@activity
def compensation_activity(ctx: WorkflowActivityContext, task_data: str) -> str:
    """Undo what was begun. It may run twice, so it must do no harm when there is nothing left."""
    log = structlog.get_logger()
    log.info("compensated", workflow_id=ctx.workflow_id, task_id=ctx.task_id)
    return f"undid {task_data}"


@workflow(example={"task_data": "t1", "reraise": False})
def error_handling_workflow(
    ctx: DaprWorkflowContext, input: str | Task
) -> Generator[Any, Any, dict[str, Any]]:
    """Try, fail, compensate, and end well: COMPLETED, though an activity failed.

    Look at the `except`: an activity's failure arrives where its result would have, whatever was
    raised as a `TaskFailedError`. With `reraise` the workflow is FAILED, after the compensation.
    The custom status tells the stage, also while it runs.
    """
    task = Task(task_data=input) if isinstance(input, str) else input
    ctx.set_custom_status("trying")
    try:
        yield ctx.call_activity(always_fail_activity, input=task.task_data)
    except TaskFailedError:
        ctx.set_custom_status("compensating")
        undone = yield ctx.call_activity(compensation_activity, input=task.task_data)
        if task.reraise:
            ctx.set_custom_status("compensated, failing")
            raise
        ctx.set_custom_status("compensated")
        return {
            "status": "HANDLED_FAILURE",
            "compensation": undone,
            "original_input": task.task_data,
        }
    return {"status": "DONE", "original_input": task.task_data}
