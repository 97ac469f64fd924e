"""A workflow of a user's own, in a folder of their own (`USHER_WORKFLOWS`)."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext

from orchestrator.registry import activity, workflow


@activity
def shout_activity(_: WorkflowActivityContext, text: str) -> str:
    """Make it loud."""
    return text.upper()


@workflow(example="hello")
def shout_workflow(ctx: DaprWorkflowContext, input: str) -> Generator[Any, Any, str]:  # noqa: A002
    """Shout a text."""
    shouted: str = yield ctx.call_activity(shout_activity, input=input)
    return shouted
