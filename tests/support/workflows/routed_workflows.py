"""Workflows that events of a shop start, reach and stop."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, when_any
from pydantic import BaseModel

from usher import Cancel, Deliver, Resume, Start, StartOrDeliver, Suspend, workflow


class Order(BaseModel):
    """What was ordered."""

    order_id: str | int | float | bool
    amount: float = 0


@workflow(
    on=[
        Start("orders", type="com.acme.order.placed", key="data.order_id"),
        Deliver("payments", type="com.acme.payment.settled", key="data.order_id", event="paid"),
        Cancel("orders", type="com.acme.order.cancelled", key="data.order_id", early="1h"),
        Suspend("orders", type="com.acme.order.held", key="data.order_id"),
        Resume("orders", type="com.acme.order.released", key="data.order_id"),
    ]
)
def shop_order(ctx: DaprWorkflowContext, order: Order) -> Generator[Any, Any, Any]:
    """Wait for the payment of an order."""
    paid = ctx.wait_for_external_event("paid", timeout=timedelta(minutes=10))
    return {"order": order.order_id, "paid": (yield paid)}


class Item(BaseModel):
    """What was put into a cart."""

    cart: str
    sku: str


@workflow(
    on=[
        StartOrDeliver("carts", type="com.acme.cart.item", key="data.cart", event="item"),
        Deliver("carts", type="com.acme.cart.closed", key="data.cart", event="closed"),
    ]
)
def shop_cart(ctx: DaprWorkflowContext, first: Item) -> Generator[Any, Any, list[str]]:
    """Collect items until the cart is closed."""
    skus = [first.sku]
    closed = ctx.wait_for_external_event("closed")
    while True:
        item = ctx.wait_for_external_event("item")
        done = yield when_any([item, closed])
        if done is closed:
            return sorted(skus)
        skus.append(item.get_result()["sku"])


@workflow(
    on=[
        Start("visits", type="com.acme.visit", when="data.country == 'DE'", input="data.name"),
    ]
)
def shop_visit(ctx: DaprWorkflowContext, name: str) -> Generator[Any, Any, str]:
    """Return the name of a visitor."""
    yield ctx.create_timer(timedelta())
    return name
