"""A workflow of a user's own, in a folder of their own (`USHER_WORKFLOWS`)."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext

from usher import activity, workflow


@activity
def whisper_activity(_: WorkflowActivityContext, text: str) -> str:
    """Make it quiet."""
    return text.lower()


@workflow(example="HELLO")
def whisper_workflow(ctx: DaprWorkflowContext, input: str) -> Generator[Any, Any, str]:  # noqa: A002
    """Whisper a text."""
    whispered: str = yield ctx.call_activity(whisper_activity, input=input)
    return whispered
