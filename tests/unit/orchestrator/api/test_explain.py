"""Explaining an event: what the inbox would do with it, and nothing done."""

import copy
import json
from typing import Any

import pytest
from dapr.ext.workflow import WorkflowStatus

from chassis.topic_server import SUCCESS
from contracts.http import Explanation
from contracts.large_bodies import LargeBodies
from orchestrator.api.explain import explanation, explanation_by_routes, not_named
from orchestrator.intake.routed_arrivals import Router
from tests.support.memory import MemoryEngine, World
from tests.support.routed import route
from tests.support.sidecar import raw_delivery

START: dict[str, Any] = {"workflow": "hello_workflow", "input": "Ada", "instance_id": "i-1"}
TICK = {"instance_id": "i-1", "event": "tick"}
DERIVED = {"workflow": "hello_workflow"}


def running() -> World:
    return World(MemoryEngine({"i-1": WorkflowStatus.RUNNING}))


async def explain(world: World, data: Any, event_id: str = "e-1", **more: Any) -> Explanation:
    """Explain an event, and see to it that nothing was done."""
    before = copy.deepcopy((world.store.records, world.engine.states, world.engine.timers))
    head = {"specversion": "1.0", "id": event_id, "source": "/test", "type": "t", **more}
    found = await explanation(
        world.facts, LargeBodies(), json.dumps({**head, "data": data}).encode()
    )
    assert (world.store.records, world.engine.states, world.engine.timers) == before
    assert (world.engine.done, world.outbox.letters) == ([], [])
    return found


async def serve(world: World, data: Any, event_id: str = "e-1") -> None:
    take = world.inbox.on_request if "input" in data else world.inbox.on_event
    assert (
        await take(raw_delivery(json.dumps(data).encode(), id=event_id, source="/test")) is SUCCESS
    )
    world.engine.done.clear()


@pytest.mark.parametrize(
    ("data", "disposition"),
    [
        (START, "started"),
        (TICK, "parked"),
        ({**TICK, "ttl_seconds": 0}, "dead_lettered"),
        ({"instance_id": "i-1", "control": "suspend"}, "dead_lettered"),
        ({"workflow": "nobody"}, "dead_lettered"),
        ({**START, "input": 7}, "dead_lettered"),
    ],
)
async def test_it_says_what_the_inbox_then_does(data: Any, disposition: str) -> None:
    world = World()
    found = await explain(world, data)
    assert str(found.disposition) == disposition
    take = world.inbox.on_request if "workflow" in data else world.inbox.on_event
    await take(raw_delivery(json.dumps(data).encode(), id="e-1", source="/test"))
    assert (await world.ledger.find("/test", "e-1")).disposition == disposition  # type: ignore[union-attr]


async def test_an_instance_that_runs_gets_its_events_and_controls() -> None:
    assert (await explain(running(), TICK)).disposition == "delivered"
    control = await explain(running(), {"instance_id": "i-1", "control": "suspend"})
    assert (control.disposition, control.instance_id) == ("controlled", "i-1")


async def test_a_start_shows_the_workflow_and_the_instance_it_would_have() -> None:
    found = await explain(World(), DERIVED)
    assert found.workflow == "hello_workflow"
    assert found.instance_id
    assert found.instance_id.startswith("hello_workflow-ce-")
    assert found.instance_id == (await explain(World(), DERIVED)).instance_id


async def test_a_refusal_names_reason_and_field() -> None:
    found = await explain(World(), {**START, "input": {"nme": "Ada"}})
    assert (found.reason, found.field) == ("invalid_input", "input.nme")
    assert found.message


async def test_an_event_that_was_served_is_a_duplicate() -> None:
    world = World()
    await serve(world, START)
    found = await explain(world, START)
    assert (found.disposition, found.known, found.instance_id) == ("duplicate", "started", "i-1")


async def test_an_event_that_waits_goes_on_waiting() -> None:
    world = World()
    await serve(world, TICK)
    found = await explain(world, TICK)
    assert (found.disposition, found.known) == ("parked", "parked")


async def test_another_event_for_a_taken_instance_is_told_by_its_input() -> None:
    world = World()
    await serve(world, START)
    assert (await explain(world, START, "e-2")).disposition == "duplicate"
    other = await explain(world, {**START, "input": "Eve"}, "e-3")
    assert (other.disposition, other.reason) == ("dead_lettered", "instance_exists")


async def test_a_redrive_of_a_dead_letter_is_explained_as_if_it_were_new() -> None:
    world = World(parked_for=0)
    await serve(world, TICK)
    world.outbox.letters.clear()
    world.engine.states["i-1"] = WorkflowStatus.RUNNING
    assert (await explain(world, TICK)).disposition == "duplicate"
    assert (await explain(world, TICK, redrive="1")).disposition == "delivered"


@pytest.mark.parametrize(
    ("body", "disposition"),
    [
        (json.dumps(START).encode(), "started"),
        (b"{", "dead_lettered"),
        (b"\xff", "dead_lettered"),
        (b"[]", "dead_lettered"),
        (b'{"specversion": "1.0"}', "dead_lettered"),
    ],
)
async def test_data_alone_is_explained_as_a_new_event_and_rubbish_is_refused(
    body: bytes, disposition: str
) -> None:
    world = World()
    found = await explanation(world.facts, LargeBodies(), body)
    assert str(found.disposition) == disposition


def shop() -> Router:
    named = {"start": "hello_workflow", "key": "data.id"}
    return Router([route("a", type="placed", **named), route("b", type="moved", **named)], {})


async def by_routes(kind: str, data: Any) -> Explanation:
    event = {"specversion": "1.0", "id": "e-1", "source": "/test", "type": kind, "data": data}
    body = json.dumps(event).encode()
    return await explanation_by_routes(World().facts, shop(), LargeBodies(), body, "orders")


async def test_each_route_of_the_topic_says_why_it_leaves_an_event() -> None:
    looks = {"a": "type: it looks for placed", "b": "type: it looks for moved"}
    unrouted = await by_routes("lost", {})
    assert (unrouted.disposition, unrouted.not_matched) == ("unrouted", looks)
    refused = await by_routes("placed", {})
    assert (refused.disposition, refused.reason) == ("dead_lettered", "no_key")
    assert refused.not_matched == {"b": looks["b"]}


def test_a_topic_that_no_route_names_is_named_with_the_nearest() -> None:
    assert not_named(shop(), "orders") is None
    assert not_named(shop(), "ordes") == "no route names the topic 'ordes'; did you mean 'orders'?"
    assert not_named(shop(), "x/y") == "no route names the topic 'x/y'"
