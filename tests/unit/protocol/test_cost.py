"""The guard: no event costs more calls than it is allowed; what it may is in support/budget.py."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from dapr.ext.workflow import WorkflowStatus

from orchestrator.engine.envelope import Cause, seal
from tests.support.at_once import at_once
from tests.support.budget import EVENTS, Cost
from tests.support.costing import cost_of
from tests.support.memory import CATALOGUE, World
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


EACH: dict[str, Deliver] = {
    "start": request,
    "start, the id chosen": lambda world, n: request(world, n, instance_id=f"i-{n}"),
    "the same start again": lambda world, _: request(world, 0),
    "event for an instance": lambda world, n: event(world, n, "running"),
    "event too early": lambda world, n: event(world, n, f"not-yet-{n}"),
}


def cost(world: World, deliver: Deliver) -> Cost:
    """Return what an event costs once the first two have warmed everything up."""
    world.engine.states["running"] = WorkflowStatus.RUNNING
    world.engine.inputs["running"] = seal(Cause(code=CATALOGUE.code), None)
    for number in range(2):
        deliver(world, number)
    return cost_of(lambda: deliver(world, 2))


@pytest.mark.parametrize("name", EACH)
def test_an_event_costs_what_it_may(name: str) -> None:
    assert cost(World(), EACH[name]) == EVENTS[name], "see tests/support/budget.py"


@pytest.mark.parametrize("name", EACH)
def test_one_more_state_call_is_noticed(name: str) -> None:
    """The guard guards: what is put in here is what it is there to find."""

    def with_one_more(world: World, number: int) -> object:
        answer = EACH[name](world, number)
        at_once(world.ledger.find)("/test", "another")
        return answer

    found, allowed = cost(World(), with_one_more), EVENTS[name]
    assert found.reads == allowed.reads + 1


def test_the_same_work_costs_the_same_each_time() -> None:
    assert {cost(World(), EACH["start"]) for _ in range(3)} == {cost(World(), EACH["start"])}
