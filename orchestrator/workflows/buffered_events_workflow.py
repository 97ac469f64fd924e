"""A workflow that is busy when its events come: they are kept until it waits for them."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel, Field

from usher import workflow


class Busy(BaseModel):
    """How long it does not listen, how many events it takes then, how long it waits for each."""

    busy_seconds: float = Field(5, ge=0)
    count: int = Field(2, ge=1, le=100)
    deadline_seconds: float = Field(60, gt=0)


@workflow(example={"busy_seconds": 5, "count": 2, "deadline_seconds": 60})
def buffered_events_workflow(
    ctx: DaprWorkflowContext, input: Busy
) -> Generator[Any, Any, dict[str, Any]]:
    """Sleep first, then take the events `note` one by one, also those that came meanwhile.

    Look at the order: an event needs no wait to come to. The engine keeps what arrives early in
    the history, and each wait takes the oldest of its name. So publish as soon as the instance
    runs; there is no need to find out whether it listens yet.
    """
    ctx.set_custom_status("busy")
    yield ctx.create_timer(timedelta(seconds=input.busy_seconds))
    notes: list[Any] = []
    for _ in range(input.count):
        ctx.set_custom_status(f"listening, {len(notes)} of {input.count} notes taken")
        deadline = timedelta(seconds=input.deadline_seconds)
        try:
            notes.append((yield ctx.wait_for_external_event("note", timeout=deadline)))
        except TimeoutError:
            break
    return {"notes": notes, "complete": len(notes) == input.count}
