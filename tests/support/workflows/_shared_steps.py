"""What a workflow of the tests imports: files with such a name are not scanned."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext

from usher import activity, workflow


@activity
def shared_activity(_: WorkflowActivityContext, text: str) -> str:
    """Say it twice."""
    return f"{text} {text}"


@activity
def inner_activity(_: WorkflowActivityContext, text: str) -> str:
    """Say it louder."""
    return text.upper()


def louder(ctx: DaprWorkflowContext, text: str) -> Generator[Any, Any, str]:
    """Have an activity do it that the workflow's file does not know."""
    return str((yield ctx.call_activity(inner_activity, input=text)))


@workflow(example="ho", announce=False)
def shared_child_workflow(ctx: DaprWorkflowContext, text: str) -> Generator[Any, Any, str]:
    """Be the child of another."""
    return str((yield ctx.call_activity(shared_activity, input=text)))
