"""The work that every contender does: two activities; how the end is told is the contender's."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow


class Order(BaseModel):
    """What is ordered."""

    order: str
    item: str = "a laptop"
    pieces: int = 1


@activity
def reserve(_: WorkflowActivityContext, order: dict[str, Any]) -> dict[str, Any]:
    """Set the pieces aside."""
    return {"order": order["order"], "reserved": order["pieces"]}


@activity
def charge(_: WorkflowActivityContext, reserved: dict[str, Any]) -> dict[str, Any]:
    """Take the money."""
    return {"order": reserved["order"], "charged": 42 * reserved["reserved"]}


@workflow(example={"order": "o-1"})
def bench_workflow(ctx: DaprWorkflowContext, input: Order) -> Generator[Any, Any, dict[str, Any]]:
    """Reserve, charge. The third durable step is the announcement of the end."""
    reserved = yield ctx.call_activity(reserve, input=input.model_dump())
    charged: dict[str, Any] = yield ctx.call_activity(charge, input=reserved)
    return charged
