"""A workflow that fails for good: its end is announced all the same."""

from collections.abc import Generator
from typing import Any, NoReturn

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow


class Complaint(BaseModel):
    """What to fail with."""

    message: str = "this never works"


@activity
def refuse_activity(_: WorkflowActivityContext, message: str) -> NoReturn:
    """Raise, always."""
    raise RuntimeError(message)


@workflow(example={"message": "this never works"})
def fail_workflow(ctx: DaprWorkflowContext, input: Complaint) -> Generator[Any, Any, None]:
    """Fail in an activity. Look at the notice: outcome FAILED, with the error's own words."""
    yield ctx.call_activity(refuse_activity, input=input.message)
