"""A workflow that events of a topic start; `routes.yaml` dead-letters the others."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel

from usher import Start, workflow


class Return(BaseModel):
    """What came back."""

    order_id: str


@workflow(on=[Start("returns", type="com.acme.return.*", key="data.order_id")])
def returned_workflow(ctx: DaprWorkflowContext, input: Return) -> Generator[Any, Any, str]:  # noqa: A002
    """Return the order."""
    yield ctx.create_timer(timedelta())
    return input.order_id
