"""A workflow that polls until it may stop: each round starts afresh and carries its state along."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel, Field

from usher import activity, workflow


class Watch(BaseModel):
    """What to watch, how often, for how long; and what the rounds before have found."""

    job: str = "a backup"
    ready_after: int = Field(3, ge=1, description="the poll that finds the job ready")
    max_polls: int = Field(10, ge=1)
    interval_seconds: float = Field(1, gt=0)
    polls: int = Field(0, ge=0, description="rounds done so far: the state that is carried")


@activity
def poll_activity(ctx: WorkflowActivityContext, watch: Watch) -> bool:
    """Tell whether the job is ready; a real one would ask somebody."""
    ready = watch.polls + 1 >= watch.ready_after
    log = structlog.get_logger()
    log.info("polled", workflow_id=ctx.workflow_id, task_id=ctx.task_id, ready=ready)
    return ready


@workflow(example={"job": "a backup", "ready_after": 3, "max_polls": 10, "interval_seconds": 1})
def monitor_workflow(
    ctx: DaprWorkflowContext, input: Watch
) -> Generator[Any, Any, dict[str, Any] | None]:
    """Poll, sleep, begin again; end when the job is ready or the limit is reached.

    Look at `continue_as_new`: it replaces the history by the new input, so the history stays short
    however long this runs. It is called, never yielded, and the function returns right after. Only
    the round that ends for real is announced, with the time since the first one began.
    """
    ready = yield ctx.call_activity(poll_activity, input=input)
    polls = input.polls + 1
    ctx.set_custom_status(f"poll {polls} of {input.max_polls}")
    if ready or polls >= input.max_polls:
        return {"job": input.job, "status": "ready" if ready else "gave_up", "polls": polls}
    yield ctx.create_timer(timedelta(seconds=input.interval_seconds))
    ctx.continue_as_new(input.model_copy(update={"polls": polls}))
    return None
