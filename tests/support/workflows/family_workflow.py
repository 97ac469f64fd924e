"""A workflow whose child, which the engine names, waits for an event."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel

from usher import workflow


class Nothing(BaseModel):
    """No fields."""


@workflow(example={}, announce=False)
def family_child_workflow(ctx: DaprWorkflowContext, input: Nothing) -> Generator[Any, Any, Any]:  # noqa: A002, ARG001
    """Wait for `go`, and return its data."""
    return (yield ctx.wait_for_external_event("go"))


@workflow(example={})
def family_workflow(ctx: DaprWorkflowContext, input: Nothing) -> Generator[Any, Any, Any]:  # noqa: A002, ARG001
    """Return what the child was sent."""
    return (yield ctx.call_child_workflow(family_child_workflow, input={}))
