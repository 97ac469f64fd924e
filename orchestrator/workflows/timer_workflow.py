"""A workflow that sleeps: a durable timer, which outlives every process that runs it."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel, Field

from usher import workflow


class Nap(BaseModel):
    """How long to sleep."""

    seconds: float = Field(15, ge=0)


@workflow(example={"seconds": 15})
def timer_workflow(ctx: DaprWorkflowContext, input: Nap) -> Generator[Any, Any, dict[str, Any]]:
    """Sleep, and say when it was time to wake up.

    Look at who keeps the time: Dapr's scheduler, on disk. No process of yours waits, a thousand
    sleepers cost nothing, and when worker, sidecar and scheduler are killed meanwhile, it wakes up
    all the same, late at worst. `time.sleep` would block the worker and forget on restart.
    """
    due = ctx.current_utc_datetime + timedelta(seconds=input.seconds)
    ctx.set_custom_status(f"sleeping until {due.isoformat(timespec='seconds')}Z")
    yield ctx.create_timer(due)
    woke = ctx.current_utc_datetime
    ctx.set_custom_status("awake")
    return {
        "seconds": input.seconds,
        "due_at": f"{due.isoformat()}Z",
        "woke_at": f"{woke.isoformat()}Z",
    }
