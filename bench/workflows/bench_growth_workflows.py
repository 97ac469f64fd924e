"""Work that shows how cost grows: one that waits, one of as many activities as asked for."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow


class Waiting(BaseModel):
    """Who waits."""

    order: str


class Long(BaseModel):
    """How long a history is to be."""

    order: str
    steps: int = 10


@activity
def bench_step(_: WorkflowActivityContext, number: int) -> int:
    """Count one on."""
    return number + 1


@workflow(example={"order": "o-1"})
def bench_waiting_workflow(
    ctx: DaprWorkflowContext, input: Waiting
) -> Generator[Any, Any, dict[str, Any]]:
    """Wait for an event that nobody sends."""
    yield ctx.wait_for_external_event("never")
    return {"order": input.order}


@workflow(example={"order": "o-1", "steps": 3})
def bench_long_workflow(
    ctx: DaprWorkflowContext, input: Long
) -> Generator[Any, Any, dict[str, Any]]:
    """One activity after the other."""
    number = 0
    while number < input.steps:
        number = yield ctx.call_activity(bench_step, input=number)
    return {"order": input.order, "steps": number}
