"""A crash after any write of the protocols, then the delivery again: once, and nothing lost."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chassis.topic_server import SUCCESS
from contracts.cloudevent import CloudEvent
from contracts.topics import Topic
from orchestrator.ledger.records import LEASE
from tests.support.memory import Crash, World
from tests.support.sidecar import raw_delivery

START = {"workflow": "hello_workflow", "input": "Ada", "instance_id": "i-1"}
EVENT = {"instance_id": "i-1", "event": "tick", "data": 1}
WRITES = range(1, 6)


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
    return await take(raw_delivery(event.body, id=event.id, source=event.source))


async def _crash_and_deliver_again(
    world: World, topic: Topic, event: CloudEvent, write: int
) -> None:
    world.store.crash_after = write
    try:
        await _deliver(world, topic, event)
    except Crash:
        await age(world)
    world.store.crash_after = None
    assert await _deliver(world, topic, event) is SUCCESS


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("command", [START, {**START, "instance_id": None}])
async def test_a_start_runs_once(command: dict[str, Any], write: int) -> None:
    world = World()
    event = _event({k: v for k, v in command.items() if v}, "e-1")
    await _crash_and_deliver_again(world, Topic.REQUESTS, event, write)
    assert await _deliver(world, Topic.REQUESTS, event) is SUCCESS
    assert len(world.engine.executions) == 1
    assert await world.disposition(event) == "started"
    assert world.outbox.letters == []


@pytest.mark.parametrize("write", WRITES)
async def test_an_early_event_is_parked_and_handed_over_when_its_instance_comes(write: int) -> None:
    world = World()
    event = _event(EVENT, "e-1")
    await _crash_and_deliver_again(world, Topic.EVENTS, event, write)
    assert await world.disposition(event) == "parked"
    assert len(world.engine.timers) == 1
    assert await _deliver(world, Topic.REQUESTS, _event(START, "s-1")) is SUCCESS
    assert await world.disposition(event) == "delivered"
    assert {one["$usher"]["key"] for one in world.engine.received["i-1"]} == {
        (await world.ledger.find("/test", "e-1")).key  # type: ignore[union-attr]
    }


@pytest.mark.parametrize("write", WRITES)
async def test_handing_over_survives_a_crash_of_the_start(write: int) -> None:
    world = World()
    events = [_event({**EVENT, "data": n}, f"e-{n}") for n in range(3)]
    for event in events:
        await _deliver(world, Topic.EVENTS, event)
    await _crash_and_deliver_again(world, Topic.REQUESTS, _event(START, "s-1"), write)
    assert [await world.disposition(event) for event in events] == ["delivered"] * 3
    first_seen = list(dict.fromkeys(one["data"] for one in world.engine.received["i-1"]))
    assert first_seen == [0, 1, 2]
    assert len(world.engine.executions) == 1


@pytest.mark.parametrize("write", WRITES)
async def test_an_event_expires_once_also_after_a_crash(write: int) -> None:
    world = World()
    event = _event(EVENT, "e-1")
    await _deliver(world, Topic.EVENTS, event)
    ((key, _),) = world.engine.timers.values()
    world.store.crash_after = write
    try:
        await world.parking.expire(key)
    except Crash:
        world.store.crash_after = None
        await world.parking.expire(key)
    assert await world.disposition(event) == "expired"
    assert {str(reason) for reason in world.outbox.reasons} == {"expired"}


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
