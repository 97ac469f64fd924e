"""Parked events: kept with their deadline, handed over in order, put aside once."""

import json
from datetime import timedelta
from typing import Any

import grpc
from dapr.ext.workflow import WorkflowStatus

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.http import Parked
from contracts.topics import Topic
from orchestrator.api.instances import parked
from orchestrator.engine.envelope import seal_event
from orchestrator.intake.parking import PASSES
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.parked_lists import ParkedLists
from orchestrator.ledger.records import Disposition, Ended
from tests.support.memory import MemoryEngine, World
from tests.support.sidecar import CallFailed

RUNNING = WorkflowStatus.RUNNING


def event(number: int, **attributes: Any) -> CloudEvent:
    command = {"instance_id": "i-1", "event": "tick", "data": number}
    body = json.dumps(command).encode()
    return CloudEvent(f"e-{number}", "/test", "t", body, attributes=attributes)


def key(number: int) -> str:
    return identity.event_key("/test", f"e-{number}")


async def serve(world: World, one: CloudEvent) -> Disposition:
    return (await world.serve(Topic.EVENTS, one)).disposition


async def is_empty(world: World) -> bool:
    return not (await ParkedLists(world.store).read("i-1"))[0]


async def waiting(world: World) -> list[Parked]:
    ids = [*world.engine.states, *world.engine.timers]
    return [parked(entry) for entry in await world.parking.waiting(ids)]


def told(world: World) -> list[Any]:
    return [one["data"] for one in world.engine.received.get("i-1", [])]


async def test_an_event_waits_until_its_deadline_in_a_run_of_the_engine() -> None:
    world = World(parked_for=60)
    before = Ledger.now()
    assert await serve(world, event(1)) is Disposition.PARKED
    ((run_id, (held, deadline)),) = world.engine.timers.items()
    assert (run_id, held) == (f"usher_expire-{key(1)}-1", key(1))
    assert timedelta(0) <= deadline - before - timedelta(seconds=60) < timedelta(seconds=5)


async def test_an_event_that_comes_again_while_it_waits_waits_once() -> None:
    world = World()
    for _ in range(3):
        assert await serve(world, event(1)) is Disposition.PARKED
    assert len(world.engine.timers) == 1
    assert [one.id for one in await waiting(world)] == ["e-1"]


async def test_an_instance_that_comes_while_an_event_is_parked_gets_it() -> None:
    class Comes(MemoryEngine):
        async def schedule_at(self, *arguments: Any) -> None:
            await super().schedule_at(*arguments)
            self.states["i-1"] = RUNNING

    world = World(Comes())
    assert await serve(world, event(1)) is Disposition.DELIVERED
    assert told(world) == [1]


async def test_events_are_handed_over_in_the_order_they_came() -> None:
    world = World()
    for number in (3, 1, 2):
        await serve(world, event(number))
    world.engine.states["i-1"] = RUNNING
    await world.parking.drain("i-1")
    await world.parking.drain("i-1")
    assert told(world) == [3, 1, 2]
    assert await is_empty(world)


async def test_events_that_come_after_the_list_was_read_are_handed_over_too() -> None:
    world = World()
    await serve(world, event(1))
    read = await world.parking.look("i-1", key(1))
    await serve(world, event(2))
    world.engine.states["i-1"] = RUNNING
    await world.parking.drain("i-1", read)
    assert list(dict.fromkeys(told(world))) == [1, 2]
    assert await is_empty(world)


async def test_events_that_never_stop_coming_are_left_to_redelivery() -> None:
    class Flooded(MemoryEngine):
        async def raise_event(self, *arguments: Any) -> None:
            await super().raise_event(*arguments)
            more = first.model_copy(update={"key": f"more-{len(told(world))}"})
            await world.ledger.create(more)
            await world.parking._lists.add("i-1", more.key, {})

    world = World(Flooded())
    await serve(world, event(1))
    (first,) = await world.ledger.get_many([key(1)])
    world.engine.states["i-1"] = RUNNING
    await world.parking.drain("i-1")
    assert len(told(world)) == PASSES
    assert world.parking.unresponsive.ids == {"i-1"}
    assert not await is_empty(world)


async def test_a_sequence_orders_as_numbers_where_it_is_one_and_goes_first() -> None:
    world = World()
    sequences = {1: "10", 2: "9", 3: None, 4: "b", 5: "a"}
    for number, sequence in sequences.items():
        await serve(world, event(number, **({"sequence": sequence} if sequence else {})))
    world.engine.states["i-1"] = RUNNING
    await world.parking.drain("i-1")
    assert told(world) == [2, 1, 5, 4, 3]


async def test_an_event_does_not_overtake_those_that_still_wait() -> None:
    world = World()
    await serve(world, event(1))
    world.engine.states["i-1"] = RUNNING
    assert await serve(world, event(2)) is Disposition.DELIVERED
    assert told(world) == [1, 2]


async def test_an_event_nobody_came_for_expires_once() -> None:
    world = World()
    await serve(world, event(1))
    for _ in range(2):
        await world.parking.expire(key(1))
    assert world.outbox.reasons == [Reason.EXPIRED]
    assert await world.disposition(event(1)) == "expired"
    assert await is_empty(world)
    assert await serve(world, event(1)) is Disposition.DUPLICATE


async def test_a_deadline_after_the_event_was_handed_over_changes_nothing() -> None:
    world = World()
    await serve(world, event(1))
    world.engine.states["i-1"] = RUNNING
    await world.parking.drain("i-1")
    await world.parking.expire(key(1))
    assert (await world.disposition(event(1)), world.outbox.letters) == ("delivered", [])


async def test_a_deadline_hands_over_what_an_instance_that_came_did_not_get() -> None:
    world = World()
    await serve(world, event(1))
    world.engine.states["i-1"] = RUNNING
    await world.parking.expire(key(1))
    assert (await world.disposition(event(1)), told(world)) == ("delivered", [1])


async def test_an_event_for_a_run_that_ended_meanwhile_is_put_aside_as_too_late() -> None:
    world = World()
    await serve(world, event(1))
    await world.ledger.end("i-1", Ended(key="a", outcome="COMPLETED"))
    world.engine.states["i-1"] = WorkflowStatus.COMPLETED
    await world.parking.drain("i-1")
    assert world.outbox.reasons == [Reason.INSTANCE_FINISHED]
    assert await world.disposition(event(1)) == "dead_lettered"


async def test_what_waits_is_listed_oldest_first() -> None:
    world = World(MemoryEngine({"i-2": RUNNING}))
    for number in (2, 1):
        await serve(world, event(number))
    shown = [(one.id, one.event, one.data) for one in await waiting(world)]
    assert shown == [("e-2", "tick", 2), ("e-1", "tick", 1)]


# --- an event was handed over, then: a crash before that was written down, the end, a purge -------


class Purged(MemoryEngine):
    """Has no instance any more, and says so as the engine does."""

    async def raise_event(self, *_: Any) -> None:
        raise CallFailed(grpc.StatusCode.UNKNOWN, "no such instance exists")


async def handed_over_ended_and_purged() -> World:
    world = World(Purged())
    await serve(world, event(1))
    world.engine.received["i-1"] = [seal_event(key(1), 1)]
    await world.ledger.end("i-1", Ended(key="a", outcome="COMPLETED", seen=[key(1)]))
    return world


async def test_a_drain_after_the_purge_finds_the_event_among_those_seen() -> None:
    world = await handed_over_ended_and_purged()
    await world.parking.drain("i-1")
    assert await world.disposition(event(1)) == "delivered"


async def test_a_deadline_after_the_purge_finds_the_event_among_those_seen() -> None:
    world = await handed_over_ended_and_purged()
    await world.parking.expire(key(1))
    assert await world.disposition(event(1)) == "delivered"
    assert world.outbox.letters == []
