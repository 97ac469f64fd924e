"""A workflow that a shop's own events start, continue and stop: placed, paid, cancelled."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel, Field

from usher import Cancel, Deliver, Start, workflow


class Purchase(BaseModel):
    """What this workflow reads of an order. The events may say more."""

    order_id: str = "o-1"
    item: str = "a laptop"
    pay_within_seconds: float = Field(3600, gt=0)


@workflow(
    example={"order_id": "o-1", "item": "a laptop"},
    on=[
        Start(
            "orders",
            type="com.example.order.placed",
            key="data.order_id",
            example={"type": "com.example.order.placed", "data": {"order_id": "o-1"}},
        ),
        Deliver("payments", type="com.example.payment.settled", key="data.order_id", event="paid"),
        Cancel("orders", type="com.example.order.cancelled", key="data.order_id", early="1h"),
    ],
)
def purchase_workflow(
    ctx: DaprWorkflowContext, input: Purchase
) -> Generator[Any, Any, dict[str, Any]]:
    """Wait for the payment of an order that was placed.

    Look at `on`: each route names a topic, the type of an event, and where in the event the order
    is named. A payment that comes before its order waits for it. An order that was cancelled before
    it was placed does not start.
    """
    ctx.set_custom_status(f"{input.item}: waiting for the payment")
    deadline = timedelta(seconds=input.pay_within_seconds)
    try:
        payment = yield ctx.wait_for_external_event("paid", timeout=deadline)
    except TimeoutError:
        return {"order": input.order_id, "status": "not paid"}
    return {"order": input.order_id, "status": "paid", "amount": payment.get("amount")}
