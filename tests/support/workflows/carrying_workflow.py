"""A workflow that only carries: its output is its input and an event, by way of an activity."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext

from usher import activity, workflow


@activity
def carrying_activity(_: WorkflowActivityContext, value: Any) -> Any:
    """Return what came."""
    return value


@workflow()
def carrying_workflow(ctx: DaprWorkflowContext, input: Any) -> Generator[Any, Any, Any]:  # noqa: A002
    """Return the input and the data of the event `more`."""
    more = yield ctx.wait_for_external_event("more")
    return (yield ctx.call_activity(carrying_activity, input={"input": input, "more": more}))
