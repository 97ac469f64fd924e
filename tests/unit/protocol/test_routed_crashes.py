"""A crash after any write of a routed event, then the delivery again: once, and nothing lost."""

import json
from typing import Any

import pytest

from contracts import identity
from contracts.topics import PUBSUB_ROUTES_ORDERED
from tests.support.memory import Crash, World
from tests.support.routed import route
from tests.unit.protocol.test_protocol_crashes import age

ITEM = {"event": "item", "input": "'Ada'"}
ROUTES = [
    route("placed", type="placed", key="data.id", start="hello_workflow", input="'Ada'"),
    route("cancelled", type="cancelled", key="data.id", cancel="hello_workflow", early="1h"),
    route(
        "item",
        type="item",
        key="data.id",
        start_or_deliver="hello_workflow",
        event="item",
        input="'Ada'",
    ),
    route("copy", type="item", key="data.id + '-copy'", start="hello_workflow", input="'Ada'"),
]
INSTANCE = "hello_workflow-7"


async def publish(world: World, kind: str, event_id: str, **data: Any) -> bool:
    """Deliver an event of the topic; return whether it was acknowledged."""
    head = {"specversion": "1.0", "id": event_id, "source": "/shop", "type": kind}
    entry = json.dumps({**head, "data": {"id": "7", **data}}).encode()
    answer = await world.inbox.on_route(PUBSUB_ROUTES_ORDERED, "orders", entry)
    return answer.status.name == "success"


async def outcome(world: World, event_id: str, route_name: str) -> str | None:
    entry = await world.ledger.get(identity.event_key("/shop", event_id, route_name))
    return str(entry.disposition) if entry else None


async def cut_off(world: World, write: int, kind: str, event_id: str) -> bool:
    """Have the process end after so many writes, then deliver again; return whether it ended."""
    world.store.crash_after, crashed = write, False
    try:
        await publish(world, kind, event_id)
    except Crash:
        crashed = True
    world.store.crash_after = None
    await age(world)
    assert await publish(world, kind, event_id)
    return crashed


@pytest.mark.parametrize("write", range(1, 6))
async def test_a_start_that_was_cancelled_before_it_came_never_runs(write: int) -> None:
    world = World(routes=ROUTES)
    assert await publish(world, "cancelled", "c-1")
    assert await outcome(world, "c-1", "cancelled") == "parked"
    await cut_off(world, write, "placed", "p-1")
    assert world.engine.executions == []
    assert await outcome(world, "p-1", "placed") == "dead_lettered"
    assert {str(reason) for reason in world.outbox.reasons} == {"cancelled_early"}
    assert await outcome(world, "c-1", "cancelled") == "controlled"


@pytest.mark.parametrize("write", range(1, 6))
async def test_a_cancel_that_is_cut_off_holds(write: int) -> None:
    world = World(routes=ROUTES)
    await cut_off(world, write, "cancelled", "c-1")
    assert await publish(world, "placed", "p-1")
    assert world.engine.executions == []
    assert await outcome(world, "p-1", "placed") == "dead_lettered"


@pytest.mark.parametrize("write", range(1, 8))
async def test_a_second_first_event_is_delivered(write: int) -> None:
    world = World(routes=[ROUTES[2]])
    assert await publish(world, "item", "i-1", sku="a")
    await cut_off(world, write, "item", "i-2")
    assert world.engine.executions == [INSTANCE]
    assert await outcome(world, "i-1", "item") == "started"
    assert await outcome(world, "i-2", "item") == "delivered"
    keys = {one["$usher"]["key"] for one in world.engine.received[INSTANCE]}
    assert keys == {identity.event_key("/shop", "i-2", "item")}


@pytest.mark.parametrize("write", range(1, 10))
async def test_each_route_that_an_event_matches_serves_it_once(write: int) -> None:
    world = World(routes=ROUTES)
    await cut_off(world, write, "item", "i-1")
    assert sorted(world.engine.executions) == [INSTANCE, f"{INSTANCE}-copy"]
    assert await outcome(world, "i-1", "item") == "started"
    assert await outcome(world, "i-1", "copy") == "started"
