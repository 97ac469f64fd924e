"""Starts: one run for an event, whoever comes between, and one holder of an instance id."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

import pytest
from dapr.ext.workflow import WorkflowStatus

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.topics import Topic
from orchestrator.engine.envelope import Cause, seal, unseal
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import LEASE, Disposition, Ended, Entry
from orchestrator.ledger.store import Busy, Read, Record
from tests.support.memory import CATALOGUE, Crash, MemoryEngine, MemoryStore, World, nothing
from tests.unit.protocol.test_protocol_crashes import age

START: dict[str, Any] = {"workflow": "hello_workflow", "input": "Ada", "instance_id": "i-1"}


def event(event_id: str = "s-1", **attributes: str) -> CloudEvent:
    return CloudEvent(event_id, "/test", "t", json.dumps(START).encode(), attributes=attributes)


async def serve(world: World, one: CloudEvent) -> Disposition:
    return (await world.serve(Topic.REQUESTS, one)).disposition


async def entry(world: World, event_id: str = "s-1") -> Entry:
    held = await world.ledger.find("/test", event_id)
    assert held
    return held


async def crash_after(world: World, writes: int) -> None:
    world.store.crash_after = writes
    with pytest.raises(Crash):
        await serve(world, event())


async def test_a_start_carries_its_claim_to_the_workflow() -> None:
    world = World()
    assert await serve(world, event()) is Disposition.STARTED
    held = await entry(world)
    cause, given = unseal(world.engine.inputs["i-1"])
    assert given == "Ada"
    assert cause == Cause(event_id="s-1", key=held.key, claimed_at=held.at, code=CATALOGUE.code)


async def test_a_run_is_deeper_than_the_event_that_started_it() -> None:
    world = World()
    assert await serve(world, event(usherdepth="3")) is Disposition.STARTED
    cause, _ = unseal(world.engine.inputs["i-1"])
    assert cause.depth == 4


async def test_a_delivery_waits_while_another_handler_may_be_at_it() -> None:
    world = World()
    await crash_after(world, 1)
    for _ in range(2):
        with pytest.raises(Busy):
            await serve(world, event())
    assert world.engine.executions == []


async def test_a_claim_is_taken_over_once_its_lease_is_over_and_says_so() -> None:
    world = World()
    await crash_after(world, 1)
    await age(world)
    assert await serve(world, event()) is Disposition.STARTED
    assert (await entry(world)).attempt == 2
    assert unseal(world.engine.inputs["i-1"])[0].attempt == 2


async def test_of_two_that_take_a_claim_over_one_has_it() -> None:
    world = World()
    await crash_after(world, 1)
    await age(world)
    nested: list[Disposition] = []

    async def come_between() -> None:
        world.engine.gate = nothing
        nested.append(await serve(world, event()))

    world.engine.gate = come_between
    assert await serve(world, event()) is Disposition.DUPLICATE
    assert nested == [Disposition.STARTED]
    assert world.engine.executions == ["i-1"]


async def test_what_was_started_before_a_crash_is_written_down_without_waiting_for_the_lease() -> (
    None
):
    world = World()
    await crash_after(world, 2)
    cause = Cause(event_id="s-1", key=(await entry(world)).key, claimed_at=(await entry(world)).at)
    await world.engine.schedule("hello_workflow", "Ada", "i-1", cause)
    assert await serve(world, event()) is Disposition.DUPLICATE
    assert (await entry(world)).disposition is Disposition.STARTED
    assert world.engine.executions == ["i-1"]


async def test_a_run_that_ended_and_was_purged_before_the_next_delivery_is_known() -> None:
    world = World()
    await crash_after(world, 2)
    await world.ledger.end("i-1", Ended(key=(await entry(world)).key, outcome="COMPLETED"))
    await age(world)
    assert await serve(world, event()) is Disposition.DUPLICATE
    assert (await entry(world)).disposition is Disposition.STARTED
    assert world.engine.executions == []


@pytest.mark.parametrize("gone", ["finished", "purged"])
async def test_a_start_that_comes_again_later_is_a_duplicate(gone: str) -> None:
    world = World()
    await serve(world, event())
    world.engine.states["i-1"] = WorkflowStatus.COMPLETED
    if gone == "purged":
        del world.engine.states["i-1"]
    assert await serve(world, event()) is Disposition.DUPLICATE
    assert await serve(world, event("s-2")) is Disposition.DUPLICATE
    assert ((await entry(world)).duplicates, (await entry(world, "s-2")).disposition) == (
        1,
        "duplicate",
    )
    assert world.engine.executions == ["i-1"]


async def test_an_instance_that_was_scheduled_past_usher_keeps_its_id() -> None:
    world = World(MemoryEngine({"i-1": WorkflowStatus.RUNNING}))
    assert await serve(world, event()) is Disposition.DEAD_LETTERED
    assert world.outbox.reasons == [Reason.INSTANCE_EXISTS]
    assert world.engine.executions == []


async def test_an_instance_that_is_half_created_is_waited_for_and_not_taken_for_anothers() -> None:
    """Seen while the scheduler was away: it cannot be created again, and does not say whose it is
    until its first turn is saved."""
    world = World(MemoryEngine({"i-1": WorkflowStatus.PENDING}))
    with pytest.raises(Busy, match="being created"):
        await serve(world, event())
    held = await entry(world)
    assert held.disposition is Disposition.CLAIMED
    cause = Cause(event_id="s-1", key=held.key, claimed_at=held.at)
    world.engine.states["i-1"] = WorkflowStatus.RUNNING
    world.engine.inputs["i-1"] = seal(cause, "Ada")
    assert await serve(world, event()) is Disposition.DUPLICATE
    assert (await entry(world)).disposition is Disposition.STARTED
    assert world.engine.executions == []


async def test_a_handler_that_comes_too_late_to_schedule_within_its_lease_does_not() -> None:
    class Slow(Ledger):
        """Answers only when a lease is nearly over."""

        late = timedelta(0)

        def now(self) -> Any:  # type: ignore[override]
            return Ledger.now() + LEASE / 2

    world = World()
    world.ledger.__class__ = Slow
    with pytest.raises(Busy, match="too late"):
        await serve(world, event())
    assert world.engine.executions == []


async def test_a_redrive_starts_what_was_dead_lettered_and_only_once() -> None:
    world = World()
    world.engine.raises["schedule"] = KeyError("a bug")
    assert await serve(world, event()) is Disposition.DEAD_LETTERED
    world.engine.raises.clear()
    assert await serve(world, event()) is Disposition.DUPLICATE
    assert await serve(world, event(redrive="1")) is Disposition.STARTED
    assert await serve(world, event(redrive="1")) is Disposition.DUPLICATE
    assert ((await entry(world)).letters, world.engine.executions) == (1, ["i-1"])


async def test_a_start_looks_at_the_store_once_at_its_end() -> None:
    class Counted(MemoryStore):
        looks = 0

        async def read(self, key: str) -> tuple[Record | None, str]:
            self.looks += 1
            return await super().read(key)

        async def read_many(self, keys: Iterable[str], broken: set[str] | None = None) -> Read:
            assert not broken
            found = {key: await super(Counted, self).read(key) for key in keys}
            self.looks += 1
            return {key: (record, etag) for key, (record, etag) in found.items() if record}

    world = World()
    world.store.__class__ = Counted
    command = {"workflow": "hello_workflow"}
    derived = CloudEvent("s-1", "/test", "t", json.dumps(command).encode())
    assert await serve(world, derived) is Disposition.STARTED
    assert cast(Counted, world.store).looks == 1
