"""A workflow that waits for several events, in whatever order they come."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel, Field

from usher import workflow


class Expected(BaseModel):
    """The names of the events, and how long to wait for them."""

    events: list[str] = Field(["documents", "payment"], min_length=1)
    deadline_seconds: float = Field(60, gt=0)


@workflow(example={"events": ["documents", "payment"], "deadline_seconds": 60})
def events_in_any_order_workflow(
    ctx: DaprWorkflowContext, input: Expected
) -> Generator[Any, Any, dict[str, Any]]:
    """Wait until every event has come, or until the deadline; tell what came and what did not.

    Look at the two steps: all waits begin before the first `yield`, with one deadline for all, so
    it does not matter which event comes first. And the result of each wait is asked for by itself:
    `yield when_all(waits)` would raise at the deadline, and keep what did come to itself.
    """
    deadline = ctx.current_utc_datetime + timedelta(seconds=input.deadline_seconds)
    waits = {name: ctx.wait_for_external_event(name, timeout=deadline) for name in input.events}
    ctx.set_custom_status(f"waiting for {', '.join(waits)}")
    received, missing = {}, []
    for name, wait in waits.items():
        try:
            received[name] = yield wait
        except TimeoutError:
            missing.append(name)
    return {"received": received, "missing": missing}
