"""The guard: no event costs more calls than it is allowed; what it may is in support/budget.py."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from dapr.ext.workflow import WorkflowStatus

from contracts.topics import PUBSUB_ROUTES
from orchestrator.engine.envelope import Cause, seal
from tests.support.at_once import at_once
from tests.support.budget import EVENTS, Cost
from tests.support.costing import cost_of
from tests.support.memory import CATALOGUE, World
from tests.support.routed import route
from tests.support.sidecar import raw_delivery

START = {"workflow": "hello_workflow", "input": "Ada"}
APPROVE = {"event": "approval", "data": {"approved": True}}

Deliver = Callable[[World, int], object]
"""Delivers the event of this number."""


def request(world: World, number: int, **more: Any) -> object:
    entry = raw_delivery(json.dumps(START | more).encode(), id=f"e-{number}")
    return at_once(world.inbox.on_request)(entry)


def event(world: World, number: int, instance_id: str) -> object:
    body = json.dumps({**APPROVE, "instance_id": instance_id}).encode()
    return at_once(world.inbox.on_event)(raw_delivery(body, id=f"e-{number}"))


HELLO = {"start": "hello_workflow", "input": "data.name"}
ROUTES = (
    route("visit", type="visit", **HELLO),
    route("placed", type="placed", key="data.id", **HELLO),
    route("paid", type="paid", key="data.id", deliver="approval_workflow", event="paid"),
)


def routed(world: World, number: int, kind: str, key: str = "") -> object:
    data = json.dumps({"id": key or f"k-{number}", "name": "Ada"}).encode()
    entry = raw_delivery(data, id=f"e-{number}", extensions={"type": kind})
    return at_once(world.inbox.on_route)(PUBSUB_ROUTES, "orders", entry)


EACH: dict[str, Deliver] = {
    "start": request,
    "start, the id chosen": lambda world, n: request(world, n, instance_id=f"i-{n}"),
    "the same start again": lambda world, _: request(world, 0),
    "event for an instance": lambda world, n: event(world, n, "running"),
    "event too early": lambda world, n: event(world, n, f"not-yet-{n}"),
    "start by a route": lambda world, n: routed(world, n, "visit"),
    "start by a route, with a key": lambda world, n: routed(world, n, "placed"),
    "event by a route for an instance": lambda world, n: routed(world, n, "paid", "running"),
    "event by a route, too early": lambda world, n: routed(world, n, "paid"),
    "event that no route is for": lambda world, n: routed(world, n, "gone"),
}


def cost(world: World, deliver: Deliver) -> Cost:
    """Return what an event costs once the first two have warmed everything up."""
    for name in ("running", "approval_workflow-running"):
        world.engine.states[name] = WorkflowStatus.RUNNING
        world.engine.inputs[name] = seal(Cause(code=CATALOGUE.code), None)
    for number in range(2):
        deliver(world, number)
    return cost_of(lambda: deliver(world, 2))


@pytest.mark.parametrize("name", EACH)
def test_an_event_costs_what_it_may(name: str) -> None:
    assert cost(World(routes=ROUTES), EACH[name]) == EVENTS[name], "see tests/support/budget.py"


@pytest.mark.parametrize("name", EACH)
def test_one_more_state_call_is_noticed(name: str) -> None:
    """The guard guards: what is put in here is what it is there to find."""

    def with_one_more(world: World, number: int) -> object:
        answer = EACH[name](world, number)
        at_once(world.ledger.find)("/test", "another")
        return answer

    found, allowed = cost(World(routes=ROUTES), with_one_more), EVENTS[name]
    assert found.reads == allowed.reads + 1


def test_the_same_work_costs_the_same_each_time() -> None:
    assert {cost(World(), EACH["start"]) for _ in range(3)} == {cost(World(), EACH["start"])}
