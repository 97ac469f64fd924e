"""Serving one event: done once, told by the ledger, put aside at most once for each delivery."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from dapr.ext.workflow import WorkflowStatus

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.topics import Topic
from orchestrator.engine.envelope import unseal_event
from orchestrator.intake.arrival import arrive
from orchestrator.ledger.records import Disposition, Ended
from orchestrator.ledger.store import Busy
from orchestrator.runs.definition import Definition
from tests.support.memory import Crash, MemoryEngine, World, nothing

TICK = {"instance_id": "i-1", "event": "tick", "data": 1}
SUSPEND = {"instance_id": "i-1", "control": "suspend"}
RUNNING, DONE = WorkflowStatus.RUNNING, WorkflowStatus.COMPLETED
NO = {"nothing": 1}
START = {"workflow": "hello_workflow", "input": "Ada"}


def event(command: Any = TICK, event_id: str = "e-1", **attributes: Any) -> CloudEvent:
    return CloudEvent(event_id, "/test", "t", json.dumps(command).encode(), attributes=attributes)


def world_of(status: WorkflowStatus | None = RUNNING, **options: Any) -> World:
    return World(MemoryEngine({"i-1": status} if status else {}), **options)


async def serve(world: World, one: CloudEvent) -> Disposition:
    return (await world.serve(Topic.EVENTS, one)).disposition


@pytest.mark.parametrize(
    ("command", "disposition"),
    [(TICK, Disposition.DELIVERED), (SUSPEND, Disposition.CONTROLLED)],
)
async def test_what_was_done_is_not_done_again(command: Any, disposition: Disposition) -> None:
    world = world_of()
    assert await serve(world, event(command)) is disposition
    done = list(world.engine.done)
    assert [await serve(world, event(command)) for _ in range(4)] == [Disposition.DUPLICATE] * 4
    assert world.engine.done == done
    held = await world.ledger.find("/test", "e-1")
    assert held
    assert (held.disposition, held.duplicates) == (disposition, 4)


async def test_an_event_raised_before_a_crash_is_raised_again_under_the_same_key() -> None:
    world = world_of()
    world.store.crash_after, world.store.crash_before = 1, True
    with pytest.raises(Crash):
        await serve(world, event())
    assert await serve(world, event()) is Disposition.DELIVERED
    one, again = world.engine.received["i-1"]
    assert one == again


@pytest.mark.parametrize("status", [DONE, None])
async def test_an_event_that_the_run_saw_before_it_ended_was_delivered(
    status: WorkflowStatus | None,
) -> None:
    world = world_of(status)
    key = identity.event_key("/test", "e-1")
    await world.ledger.end("i-1", Ended(key="a", outcome="COMPLETED", seen=[key]))
    assert await serve(world, event()) is Disposition.DELIVERED
    assert await serve(world, event(event_id="e-2")) is Disposition.DEAD_LETTERED
    assert world.outbox.reasons == [Reason.INSTANCE_FINISHED]
    assert world.engine.done == []


async def test_an_instance_that_ends_while_an_event_is_raised_has_it_or_has_not() -> None:
    class Ends(MemoryEngine):
        async def raise_event(self, instance_id: str, name: str, data: Any) -> None:
            await super().raise_event(instance_id, name, data)
            self.states[instance_id] = DONE
            seen = [identity.event_key("/test", "e-1")]
            await world.ledger.end(instance_id, Ended(key="a", outcome="COMPLETED", seen=seen))

    world = World(Ends({"i-1": RUNNING}))
    assert await serve(world, event()) is Disposition.DELIVERED
    world.engine.states["i-1"] = RUNNING
    assert await serve(world, event(event_id="e-2")) is Disposition.DEAD_LETTERED
    assert world.outbox.reasons == [Reason.INSTANCE_FINISHED]


async def test_what_is_put_aside_is_one_dead_letter_however_often_it_comes() -> None:
    world = world_of()
    assert await serve(world, event(NO)) is Disposition.DEAD_LETTERED
    for _ in range(2):
        assert await serve(world, event(NO)) is Disposition.DUPLICATE
    assert len(world.outbox.letters) == 1


async def test_a_crash_between_dead_letter_and_ledger_publishes_it_again() -> None:
    world = world_of()
    world.store.crash_after, world.store.crash_before = 1, True
    with pytest.raises(Crash):
        await serve(world, event(NO))
    assert await serve(world, event(NO)) is Disposition.DEAD_LETTERED
    assert world.outbox.reasons == [Reason.INVALID_REQUEST] * 2
    assert await world.disposition(event(NO)) == "dead_lettered"


async def test_a_redrive_that_is_refused_again_is_the_next_dead_letter() -> None:
    world = world_of(None, parked_for=0)
    for letters in (0, 1, 2):
        redriven = event(redrive=str(letters)) if letters else event()
        assert await serve(world, redriven) is Disposition.DEAD_LETTERED
    held = await world.ledger.find("/test", "e-1")
    assert held
    assert (held.letters, len(world.outbox.letters)) == (3, 3)


async def test_an_event_that_claims_the_identity_of_one_being_started_waits() -> None:
    world = world_of()
    claimed = arrive(Topic.REQUESTS, event(START)).entry(Disposition.CLAIMED, token="theirs")
    await world.ledger.create(claimed)
    with pytest.raises(Busy):
        await serve(world, event(START))  # on the topic of events, where it does not belong
    assert world.outbox.letters == []


async def test_a_start_that_fails_is_put_aside_whoever_began_it() -> None:
    world = world_of(None, parked_for=0)
    claimed = arrive(Topic.REQUESTS, event(START)).entry(Disposition.CLAIMED, token="theirs")
    await world.ledger.create(claimed)
    world.engine.raises["state"] = KeyError("a bug")
    outcome = await world.serve(Topic.REQUESTS, event(START))
    assert outcome.disposition is Disposition.DEAD_LETTERED
    assert world.outbox.reasons == [Reason.HANDLER_ERROR]


async def test_what_has_no_identity_is_put_aside_every_time() -> None:
    world = world_of()
    for _ in range(2):
        assert await serve(world, event(event_id="")) is Disposition.DEAD_LETTERED
    assert len(world.outbox.letters) == 2
    assert world.store.records == {}


async def test_two_of_one_identity_that_are_refused_at_once_have_a_letter_each() -> None:
    """The second comes while the first looks at the engine, before either is in the ledger."""
    world = world_of(None, parked_for=0)

    async def come_between() -> None:
        world.engine.gate = nothing
        await serve(world, event({**TICK, "data": 2}))

    world.engine.gate = come_between
    with pytest.raises(Busy):
        await serve(world, event())
    assert await serve(world, event()) is Disposition.DEAD_LETTERED
    assert world.outbox.reasons[-1] is Reason.IDENTITY_REUSED


async def test_a_run_that_ends_and_is_purged_between_two_reads_is_known() -> None:
    """The ending is read after the state: else the event would be parked for nobody."""
    world = world_of()

    async def ends() -> None:
        world.engine.gate = nothing
        del world.engine.states["i-1"]
        await world.ledger.end("i-1", Ended(key="a", outcome="COMPLETED"))

    world.engine.gate = ends
    assert await serve(world, event()) is Disposition.DEAD_LETTERED
    assert world.outbox.reasons == [Reason.INSTANCE_FINISHED]


async def test_an_event_of_any_topic_is_served_by_its_arrival_alone() -> None:
    """The command, its key and its digest come from the arrival, and not from the event's data."""
    world = world_of()
    known = arrive(Topic.EVENTS, event())
    placed = event({"order": 7}, event_id="o-1")
    arrival = replace(known, topic="orders", event=placed, key="k-of-a-route")
    assert (await world.dispatcher.serve(arrival)).disposition is Disposition.DELIVERED
    assert unseal_event(world.engine.received["i-1"][0]) == ("k-of-a-route", 1)
    held = await world.ledger.get("k-of-a-route")
    assert held
    assert (held.topic, held.command, held.disposition) == ("orders", known.digest, "delivered")
    assert (await world.dispatcher.serve(arrival)).disposition is Disposition.DUPLICATE


async def test_an_input_whose_model_has_a_bug_is_a_dead_letter_and_not_retried() -> None:
    class Broken:
        def accept(self, _: Any) -> None:
            raise RuntimeError("a bug in the model of an input")

    world = World()
    world.facts._workflows = {"hello_workflow": cast(Definition, Broken())}
    start = event({"workflow": "hello_workflow", "input": "Ada"}, "s-1")
    outcome = await world.serve(Topic.REQUESTS, start)
    assert outcome.disposition is Disposition.DEAD_LETTERED
    assert world.outbox.reasons == [Reason.HANDLER_ERROR]
    assert await world.disposition(start) == "dead_lettered"
