"""Workflows of which each key has one run after another."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, when_any
from pydantic import BaseModel

from usher import Cancel, Deliver, Start, StartOrDeliver, workflow


class Sync(BaseModel):
    """Whom to synchronize."""

    id: str
    n: int = 0


@workflow(
    on=[
        Start("syncs", type="com.acme.moved", key="data.id", again=True),
        Deliver("syncs", type="com.acme.confirmed", key="data.id", event="confirmed"),
        Cancel("syncs", type="com.acme.dropped", key="data.id"),
    ]
)
def shop_sync(ctx: DaprWorkflowContext, sync: Sync) -> Generator[Any, Any, Any]:
    """Wait for a confirmation."""
    confirmed = yield ctx.wait_for_external_event("confirmed", timeout=timedelta(minutes=10))
    return [sync.n, confirmed["n"]]


class Item(BaseModel):
    """What was put into a basket."""

    id: str
    sku: str


@workflow(
    on=[
        StartOrDeliver("baskets", type="com.acme.put", key="data.id", event="put", again=True),
        Deliver("baskets", type="com.acme.bought", key="data.id", event="bought"),
    ]
)
def shop_basket(ctx: DaprWorkflowContext, first: Item) -> Generator[Any, Any, list[str]]:
    """Collect items until they are bought."""
    skus = [first.sku]
    bought = ctx.wait_for_external_event("bought")
    while True:
        put = ctx.wait_for_external_event("put")
        done = yield when_any([put, bought])
        if done is bought:
            return sorted(skus)
        skus.append(put.get_result()["sku"])
