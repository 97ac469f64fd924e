"""A workflow that joins them all: a saga that reserves, pays, waits, and undoes what it must."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import structlog
from dapr.ext.workflow import (
    DaprWorkflowContext,
    RetryPolicy,
    TaskFailedError,
    WorkflowActivityContext,
)
from pydantic import BaseModel, Field

from usher import activity, workflow

RETRY = RetryPolicy(
    first_retry_interval=timedelta(seconds=1), max_number_of_attempts=3, backoff_coefficient=2
)


class Order(BaseModel):
    """What is ordered, how it is paid, and how long it may take to be shipped."""

    item: str = "a laptop"
    amount: float = Field(999, gt=0)
    card: str = Field("4242", description='"declined" is a card that nobody takes')
    ship_within_seconds: float = Field(60, gt=0)


@activity
def reserve_activity(ctx: WorkflowActivityContext, order: Order) -> None:
    """Put the item aside. The instance id is the order's: a second attempt reserves nothing new."""
    _log(ctx, "reserved", order)


@activity
def release_activity(ctx: WorkflowActivityContext, order: Order) -> None:
    """Undo the reservation, if there is one."""
    _log(ctx, "released", order)


@activity
def pay_activity(ctx: WorkflowActivityContext, order: Order) -> None:
    """Charge the card; raise `PermissionError` when it is declined."""
    if order.card == "declined":
        raise PermissionError("the card was declined")
    _log(ctx, "paid", order)


@activity
def refund_activity(ctx: WorkflowActivityContext, order: Order) -> None:
    """Undo the payment, if there is one."""
    _log(ctx, "refunded", order)


def _log(ctx: WorkflowActivityContext, done: str, order: Order) -> None:
    log = structlog.get_logger()
    log.info(done, workflow_id=ctx.workflow_id, task_id=ctx.task_id, item=order.item)


@workflow(example={"item": "a laptop", "amount": 999, "ship_within_seconds": 60})
def order_workflow(ctx: DaprWorkflowContext, input: Order) -> Generator[Any, Any, dict[str, Any]]:
    """Reserve, pay with retries, wait for the event `shipped`; on failure undo it all, last first.

    Look at `undo`: a step is noted there before it is tried, since a payment that failed may have
    been taken all the same. So each compensation must do no harm where there is nothing to undo.
    A terminated workflow compensates nothing: to call an order off, let its deadline pass.
    """
    undo: list[Any] = []
    try:
        ctx.set_custom_status("reserving")
        undo.append(release_activity)
        yield ctx.call_activity(reserve_activity, input=input, retry_policy=RETRY)
        ctx.set_custom_status("paying")
        undo.append(refund_activity)
        yield ctx.call_activity(pay_activity, input=input, retry_policy=RETRY)
        ctx.set_custom_status("waiting for shipped")
        deadline = timedelta(seconds=input.ship_within_seconds)
        shipment = yield ctx.wait_for_external_event("shipped", timeout=deadline)
    except (TaskFailedError, TimeoutError) as error:
        ctx.set_custom_status("undoing")
        for compensation in reversed(undo):
            yield ctx.call_activity(compensation, input=input, retry_policy=RETRY)
        ctx.set_custom_status("cancelled")
        undone = [compensation.__name__ for compensation in reversed(undo)]
        return {"status": "cancelled", "reason": str(error), "undone": undone}
    ctx.set_custom_status("shipped")
    return {"status": "shipped", "item": input.item, "shipment": shipment}
