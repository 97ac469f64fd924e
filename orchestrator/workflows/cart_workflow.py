"""A workflow that the first event of a cart starts, and that receives all later ones."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, when_any
from pydantic import BaseModel

from usher import Deliver, StartOrDeliver, workflow


class Item(BaseModel):
    """What was put into which cart."""

    cart_id: str = "c-1"
    item: str = "tea"


@workflow(
    example={"cart_id": "c-1", "item": "tea"},
    on=[
        StartOrDeliver("carts", type="com.example.cart.filled", key="data.cart_id", event="filled"),
        Deliver("carts", type="com.example.cart.closed", key="data.cart_id", event="closed"),
    ],
)
def cart_workflow(ctx: DaprWorkflowContext, input: Item) -> Generator[Any, Any, dict[str, Any]]:
    """Collect what is put into a cart, until it is closed or nobody touches it for an hour.

    Look at `StartOrDeliver`: the publisher need not know whether the cart is there already. Two
    first events at once are one run, and both items are in it.
    """
    items = [input.item]
    closed = ctx.wait_for_external_event("closed")
    while True:
        ctx.set_custom_status(f"{len(items)} in the cart")
        filled = ctx.wait_for_external_event("filled")
        forgotten = ctx.create_timer(timedelta(hours=1))
        first = yield when_any([closed, filled, forgotten])
        if first is not filled:
            return {"cart": input.cart_id, "items": items, "bought": first is closed}
        items.append(filled.get_result()["item"])
