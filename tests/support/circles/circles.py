"""Workflows that completion events start: a chain that ends, and circles that do not."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import Start, activity, workflow

DONE = "usher.workflow.completed.v1"
NEXT = '{"name": data.output.name, "round": data.output.round + 1}'
KEY = "data.output.name + '-' + string(data.output.round + 1)"


class Round(BaseModel):
    """Which circle, and how often it went round."""

    name: str
    round: int = 0


@activity
def noting_activity(_: WorkflowActivityContext, round_: dict[str, Any]) -> dict[str, Any]:
    """Return what it gets."""
    return round_


@workflow(
    on=[
        Start(
            "workflow-completions",
            type=DONE,
            when="data.workflow == 'circling_workflow'",
            key=KEY,
            input=NEXT,
        )
    ]
)
def circling_workflow(ctx: DaprWorkflowContext, input: Round) -> Generator[Any, Any, Any]:  # noqa: A002
    """Go round: its own completion starts it again."""
    return (yield ctx.call_activity(noting_activity, input=input.model_dump()))


@workflow(
    on=[
        Start(
            "workflow-completions",
            type=DONE,
            when="data.workflow == 'called_workflow'",
            key=KEY,
            input=NEXT,
        )
    ]
)
def calling_workflow(ctx: DaprWorkflowContext, input: Round) -> Generator[Any, Any, Any]:  # noqa: A002
    """Go round by a child: the child's completion starts it again."""
    yield ctx.call_child_workflow(called_workflow, input=input.model_dump())


@workflow()
def called_workflow(ctx: DaprWorkflowContext, input: Round) -> Generator[Any, Any, Any]:  # noqa: A002
    """Return what it gets."""
    return (yield ctx.call_activity(noting_activity, input=input.model_dump()))


@workflow()
def first_workflow(ctx: DaprWorkflowContext, input: str) -> Generator[Any, Any, str]:  # noqa: A002
    """Return a name, for the second."""
    yield ctx.call_activity(noting_activity, input={})
    return input


@workflow(
    on=[
        Start(
            "workflow-completions",
            type=DONE,
            when="data.workflow == 'first_workflow' && data.outcome == 'COMPLETED'",
            key="data.output",
            input="data.output",
        )
    ]
)
def second_workflow(ctx: DaprWorkflowContext, input: str) -> Generator[Any, Any, str]:  # noqa: A002
    """Follow the first."""
    yield ctx.call_activity(noting_activity, input={})
    return f"{input} followed"
