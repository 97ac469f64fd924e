"""A workflow that does many things at once, and comes to terms with those that fail."""

from collections.abc import Generator
from typing import Any

import structlog
from dapr.ext.workflow import (
    DaprWorkflowContext,
    TaskFailedError,
    WorkflowActivityContext,
    when_all,
)
from pydantic import BaseModel, Field

from usher import activity, workflow


class Batch(BaseModel):
    """The items to work on; every default but one is a number."""

    items: list[str] = Field(["1", "2", "three"], max_length=100)


@activity
def square_activity(ctx: WorkflowActivityContext, item: str) -> int:
    """Return the square of a number; raise `ValueError` for what is none."""
    square = int(item) ** 2
    log = structlog.get_logger()
    log.info("squared", workflow_id=ctx.workflow_id, task_id=ctx.task_id, item=item)
    return square


@workflow(example={"items": ["1", "2", "three"]})
def fan_out_workflow(ctx: DaprWorkflowContext, input: Batch) -> Generator[Any, Any, dict[str, Any]]:
    """Square every item at the same time, and tell which ones could not be.

    Look at where the `yield` is: the activities are scheduled first and waited for together.
    `when_all` raises the first failure, but only after all have ended, so each task can be asked
    how it went and nothing that worked is lost.
    """
    tasks = {item: ctx.call_activity(square_activity, input=item) for item in input.items}
    ctx.set_custom_status(f"{len(tasks)} at once")
    try:
        yield when_all(list(tasks.values()))
    except TaskFailedError:
        ctx.set_custom_status("some failed")
    return {
        "results": {item: task.get_result() for item, task in tasks.items() if not task.is_failed},
        "failed": {
            item: str(task.get_exception()) for item, task in tasks.items() if task.is_failed
        },
    }
