"""A crash after any write of the protocols, then the delivery again: once, and nothing lost."""

import json
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chassis.topic_server import SUCCESS
from contracts.cloudevent import CloudEvent
from contracts.letters import letter_id
from contracts.topics import Topic
from orchestrator.ledger.records import LEASE
from tests.support.memory import Crash, World
from tests.support.sidecar import raw_delivery

START = {"workflow": "hello_workflow", "input": "Ada", "instance_id": "i-1"}
EVENT = {"instance_id": "i-1", "event": "tick", "data": 1}
DERIVED = {"workflow": "hello_workflow", "input": "Ada"}
WRITES = {"start": 2, "start, the id chosen": 3, "too early": 2, "hand over three": 7, "expire": 2}
WRITES |= {"take over": 3, "refuse a claim": 2, "redrive": 2}
"""How often each path writes. It is cut off after each write, and once not at all."""


def cuts(path: str) -> list[int]:
    return [*range(1, WRITES[path] + 2)]


def _event(command: dict[str, Any], event_id: str) -> CloudEvent:
    return CloudEvent(event_id, "/test", "t", json.dumps(command).encode())


async def age(world: World) -> None:
    """Let every lease in the ledger be over."""
    for key, (record, version) in world.store.records.items():
        if "at" in record:
            entry = await world.ledger.get(key.removeprefix("event-"))
            assert entry is not None
            older = entry.at - LEASE - timedelta(seconds=1)
            world.store.records[key] = ({**record, "at": older.isoformat()}, version)


async def _deliver(world: World, topic: Topic, event: CloudEvent) -> Any:
    take = world.inbox.on_request if topic is Topic.REQUESTS else world.inbox.on_event
    extensions = dict(event.attributes)
    return await take(
        raw_delivery(event.body, id=event.id, source=event.source, extensions=extensions)
    )


async def _cut_off(world: World, work: Awaitable[Any], path: str, write: int) -> None:
    """Have the process end after so many writes of this work."""
    world.store.crash_after = write
    crashed = False
    try:
        await work
    except Crash:
        crashed = True
    world.store.crash_after = None
    assert crashed == (write <= WRITES[path])


async def _crash_and_deliver_again(
    world: World, topic: Topic, event: CloudEvent, path: str, write: int
) -> None:
    await _cut_off(world, _deliver(world, topic, event), path, write)
    await age(world)
    assert await _deliver(world, topic, event) is SUCCESS


@pytest.mark.parametrize(
    ("command", "path", "write"),
    [(DERIVED, "start", write) for write in cuts("start")]
    + [(START, "start, the id chosen", write) for write in cuts("start, the id chosen")],
)
async def test_a_start_runs_once(command: dict[str, Any], path: str, write: int) -> None:
    world = World()
    event = _event(command, "e-1")
    await _crash_and_deliver_again(world, Topic.REQUESTS, event, path, write)
    assert await _deliver(world, Topic.REQUESTS, event) is SUCCESS
    assert len(world.engine.executions) == 1
    assert await world.disposition(event) == "started"
    assert world.outbox.letters == []


@pytest.mark.parametrize("write", cuts("too early"))
async def test_an_early_event_is_parked_and_handed_over_when_its_instance_comes(write: int) -> None:
    world = World()
    event = _event(EVENT, "e-1")
    await _crash_and_deliver_again(world, Topic.EVENTS, event, "too early", write)
    assert await world.disposition(event) == "parked"
    assert len(world.engine.timers) == 1
    assert await _deliver(world, Topic.REQUESTS, _event(START, "s-1")) is SUCCESS
    assert await world.disposition(event) == "delivered"
    assert {one["$usher"]["key"] for one in world.engine.received["i-1"]} == {
        (await world.ledger.find("/test", "e-1")).key  # type: ignore[union-attr]
    }


@pytest.mark.parametrize("write", cuts("hand over three"))
async def test_handing_over_survives_a_crash_of_the_start(write: int) -> None:
    world = World()
    events = [_event({**EVENT, "data": n}, f"e-{n}") for n in range(3)]
    for event in events:
        await _deliver(world, Topic.EVENTS, event)
    start = _event(START, "s-1")
    await _crash_and_deliver_again(world, Topic.REQUESTS, start, "hand over three", write)
    assert [await world.disposition(event) for event in events] == ["delivered"] * 3
    first_seen = list(dict.fromkeys(one["data"] for one in world.engine.received["i-1"]))
    assert first_seen == [0, 1, 2]
    assert len(world.engine.executions) == 1


@pytest.mark.parametrize("write", cuts("expire"))
async def test_an_event_expires_once_also_after_a_crash(write: int) -> None:
    world = World()
    event = _event(EVENT, "e-1")
    await _deliver(world, Topic.EVENTS, event)
    ((key, _),) = world.engine.timers.values()
    await _cut_off(world, world.parking.expire(key), "expire", write)
    await world.parking.expire(key)
    assert await world.disposition(event) == "expired"
    assert {str(reason) for reason in world.outbox.reasons} == {"expired"}


async def _claimed() -> World:
    """Return a world in which a handler died right after its claim of a start."""
    world = World()
    world.store.crash_after = 1
    with pytest.raises(Crash):
        await _deliver(world, Topic.REQUESTS, _event(START, "e-1"))
    await age(world)
    return world


@pytest.mark.parametrize("write", cuts("take over"))
async def test_a_claim_that_is_taken_over_runs_once_also_after_a_crash(write: int) -> None:
    world = await _claimed()
    event = _event(START, "e-1")
    await _crash_and_deliver_again(world, Topic.REQUESTS, event, "take over", write)
    assert (world.engine.executions, await world.disposition(event)) == (["i-1"], "started")


@pytest.mark.parametrize("write", cuts("refuse a claim"))
async def test_a_claim_that_is_refused_since_has_one_letter_also_after_a_crash(write: int) -> None:
    world = await _claimed()
    world.facts._workflows = {}
    event = _event(START, "e-1")
    await _crash_and_deliver_again(world, Topic.REQUESTS, event, "refuse a claim", write)
    assert (world.engine.executions, await world.disposition(event)) == ([], "dead_lettered")
    assert len({letter_id(topic, one) for topic, one, _ in world.outbox.letters}) == 1


@pytest.mark.parametrize("write", cuts("redrive"))
async def test_a_redrive_is_delivered_once_also_after_a_crash(write: int) -> None:
    world = World(parked_for=0)
    await _deliver(world, Topic.EVENTS, _event(EVENT, "e-1"))
    await _deliver(world, Topic.REQUESTS, _event(START, "s-1"))
    event = replace(_event(EVENT, "e-1"), attributes={"redrive": "1"})
    await _crash_and_deliver_again(world, Topic.EVENTS, event, "redrive", write)
    assert await world.disposition(event) == "delivered"
    assert len({one["$usher"]["key"] for one in world.engine.received["i-1"]}) == 1


async def test_a_redrive_reopens_a_dead_letter_once() -> None:
    world = World(parked_for=0)
    event = _event(EVENT, "e-1")
    await _deliver(world, Topic.EVENTS, event)
    assert await world.disposition(event) == "dead_lettered"
    await _deliver(world, Topic.REQUESTS, _event(START, "s-1"))
    for _ in range(2):
        again = raw_delivery(event.body, id="e-1", source="/test", extensions={"redrive": "1"})
        assert await world.inbox.on_event(again) is SUCCESS
    assert await world.disposition(event) == "delivered"
    assert len(world.engine.received["i-1"]) == 1
    assert len(world.outbox.letters) == 1
