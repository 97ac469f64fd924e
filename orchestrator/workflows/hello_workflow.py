"""The smallest workflow: one activity, one result."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow


class Greeting(BaseModel):
    """Whom to greet."""

    name: str = "World"


@activity
def hello_activity(_: WorkflowActivityContext, name: str) -> str:
    """Say hello."""
    return f"Hello, {name}!"


@workflow(example={"name": "Ada"})
def hello_workflow(
    ctx: DaprWorkflowContext, input: str | Greeting
) -> Generator[Any, Any, dict[str, str]]:
    """Greet someone by name. Look at the input: a bare string or an object are both welcome."""
    name = input if isinstance(input, str) else input.name
    greeting = yield ctx.call_activity(hello_activity, input=name)
    return {"final_greeting": greeting}
