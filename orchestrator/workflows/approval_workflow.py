"""A workflow that waits for a person: an external event, or a deadline."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel, Field

from usher import workflow


class ApprovalRequest(BaseModel):
    """What is to be approved, and by when."""

    subject: str = "a request"
    deadline_seconds: float = Field(60, gt=0)


class Approval(BaseModel):
    """The answer: the data of the event `approval`."""

    approved: bool
    by: str | None = None
    comment: str | None = None


@workflow(example={"subject": "a new laptop", "deadline_seconds": 60})
def approval_workflow(
    ctx: DaprWorkflowContext, input: ApprovalRequest
) -> Generator[Any, Any, dict[str, Any]]:
    """Wait for the event `approval` until the deadline.

    Look at the wait: `timeout` is durable, so the deadline holds over any restart.
    """
    deadline = timedelta(seconds=input.deadline_seconds)
    ctx.set_custom_status(f"waiting for approval of {input.subject}")
    try:
        data = yield ctx.wait_for_external_event("approval", timeout=deadline)
    except TimeoutError:
        return {"decision": "timed_out", "subject": input.subject}
    answer = Approval.model_validate(data)
    decision = "approved" if answer.approved else "rejected"
    return {
        "decision": decision,
        "subject": input.subject,
        **answer.model_dump(include={"by", "comment"}, exclude_none=True),
    }
