"""A workflow that was changed while instances of it ran: a patch, which those leave out."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel, Field

from usher import activity, workflow


class Purchase(BaseModel):
    """What it costs, and how long `paid` may take."""

    price: float = Field(100, gt=0)
    deadline_seconds: float = Field(60, gt=0)


@activity
def price_activity(ctx: WorkflowActivityContext, price: float) -> float:
    """Return the price to ask for."""
    log = structlog.get_logger()
    log.info("priced", workflow_id=ctx.workflow_id, task_id=ctx.task_id, price=price)
    return price


@activity
def discount_activity(ctx: WorkflowActivityContext, price: float) -> float:
    """Return the price with a tenth off: what the new version adds."""
    log = structlog.get_logger()
    log.info("discounted", workflow_id=ctx.workflow_id, task_id=ctx.task_id, price=price)
    return price * 0.9


@workflow(example={"price": 100, "deadline_seconds": 60})
def versioned_workflow(
    ctx: DaprWorkflowContext, input: Purchase
) -> Generator[Any, Any, dict[str, Any]]:
    """Make a price, wait for the event `paid`. Newer instances get a discount, older ones do not.

    Look at `is_patched`: an instance that passed this line before the upgrade has a history
    without the discount, and a replay that scheduled one would fail as non-deterministic. There it
    is False for good; in every other instance it is True, and that is written to the history.
    Choose a new name for each patch. Delete the `if` once no instance is left that has passed it:
    the engine stalls one whose history has a patch that the code does not ask for.
    """
    price = yield ctx.call_activity(price_activity, input=input.price)
    if ctx.is_patched("discount"):
        price = yield ctx.call_activity(discount_activity, input=price)
    ctx.set_custom_status(f"waiting for {price:.2f}")
    deadline = timedelta(seconds=input.deadline_seconds)
    try:
        yield ctx.wait_for_external_event("paid", timeout=deadline)
    except TimeoutError:
        return {"price": price, "paid": False}
    return {"price": price, "paid": True}
