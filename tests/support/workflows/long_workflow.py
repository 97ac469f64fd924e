"""A workflow with a long history."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext, when_all

from usher import activity, workflow

AT_ONCE = 50


@activity
def nothing_activity(_: WorkflowActivityContext, number: int) -> int:
    """Return the number."""
    return number


@workflow(example=100)
def long_workflow(ctx: DaprWorkflowContext, input: int) -> Generator[Any, Any, int]:  # noqa: A002
    """Do so many steps, some at once."""
    for first in range(0, input, AT_ONCE):
        steps = range(first, min(first + AT_ONCE, input))
        yield when_all([ctx.call_activity(nothing_activity, input=step) for step in steps])
    return input
