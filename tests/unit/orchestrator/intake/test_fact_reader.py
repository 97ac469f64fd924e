"""What is read about an event before the decision: as much as it needs, and no more."""

import json
from typing import Any

import httpx
import pytest
from dapr.ext.workflow import WorkflowStatus

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.topics import Topic
from orchestrator.intake.arrival import Arrival, arrive
from orchestrator.ledger.records import Disposition, Holder
from tests.support.memory import MemoryEngine, World

START = {"workflow": "hello_workflow", "input": "Ada", "instance_id": "i-1"}
TICK = {"instance_id": "i-1", "event": "tick"}


def arrival(command: Any) -> Arrival:
    body = json.dumps(command, ensure_ascii=False).encode()
    topic = Topic.REQUESTS if "workflow" in command else Topic.EVENTS
    return arrive(topic, CloudEvent("e-1", "/test", "t", body))


async def unfit(command: dict[str, Any]) -> Any:
    found = (await World().facts.of_delivery(arrival(command))).unfit
    assert found
    return found


async def test_an_unknown_workflow_is_refused_and_the_known_ones_are_told() -> None:
    found = await unfit({"workflow": "helo_workflow"})
    assert (found.reason, found.field) == (Reason.UNKNOWN_WORKFLOW, "workflow")
    assert "hello_workflow" in found.message


async def test_an_input_that_does_not_fit_is_refused_before_anything_starts() -> None:
    found = await unfit({"workflow": "hello_workflow", "input": {"nme": "Ada"}})
    assert (found.reason, found.field) == (Reason.INVALID_INPUT, "input.nme")


async def test_an_input_that_the_engine_would_not_take_is_oversize() -> None:
    found = await unfit({"workflow": "hello_workflow", "input": "\N{GRINNING FACE}" * 225_000})
    assert (found.reason, found.field) == (Reason.OVERSIZE, "input")
    assert "2,700,002 bytes" in found.message


async def test_an_engine_that_is_away_is_no_fact() -> None:
    world = World(MemoryEngine(raises={"state": httpx.ConnectError("away")}))
    with pytest.raises(httpx.ConnectError):
        await world.facts.of_delivery(arrival(TICK))


async def test_of_what_the_ledger_decides_the_engine_is_not_asked() -> None:
    world = World(MemoryEngine(raises={"state": AssertionError("asked")}))
    for command in (START, TICK):
        await world.ledger.create(arrival(command).entry(Disposition.DEAD_LETTERED))
        facts = await world.facts.of_delivery(arrival(command))
        assert facts.state is None
        world.store.records.clear()


async def test_a_question_names_who_holds_the_instance_and_claims_nothing() -> None:
    world = World(MemoryEngine({"i-1": WorkflowStatus.RUNNING}))
    await world.ledger.take("i-1", Holder(key="k", digest="d"))
    before = dict(world.store.records)
    facts = await world.facts.of_delivery(arrival(START), asked=True)
    assert facts.holder == Holder(key="k", digest="d")
    assert world.store.records == before
