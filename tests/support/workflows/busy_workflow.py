"""A workflow that is never idle: one activity after the other, up to a bound."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext

from usher import activity, workflow


@activity
def busy_activity(ctx: WorkflowActivityContext, given: Any) -> None:
    """Return at once."""


@workflow(example=1)
def busy_workflow(ctx: DaprWorkflowContext, rounds: int) -> Generator[Any, Any, int]:
    """Call an activity so many times."""
    for _ in range(rounds):
        yield ctx.call_activity(busy_activity, input=None)
    return rounds
