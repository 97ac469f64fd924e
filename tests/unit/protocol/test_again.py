"""A new run of a key for each event (`again`), and events for the latest: once, after any crash."""

import json
from contextlib import suppress
from typing import Any

import pytest
from dapr.ext.workflow import WorkflowStatus

from chassis.topic_server import SUCCESS
from contracts import identity
from contracts.topics import PUBSUB_ROUTES_ORDERED
from orchestrator.engine.envelope import Cause, seal
from orchestrator.ledger.records import Disposition, Ended, Entry
from tests.support.at_once import at_once
from tests.support.budget import EVENTS
from tests.support.costing import cost_of
from tests.support.memory import CATALOGUE, Crash, World
from tests.support.routed import route
from tests.support.sidecar import raw_delivery
from tests.unit.protocol.test_protocol_crashes import age

BASE = "hello_workflow-7"
NAMED = {"key": "data.id"}
OTHERS = [
    route("tick", type="tick", deliver="hello_workflow", event="tick", **NAMED),
    route("cancel", type="cancel", cancel="hello_workflow", **NAMED),
    route("early", type="early", cancel="hello_workflow", early="1h", **NAMED),
]
RUNS = [
    route("run", type="run", start="hello_workflow", input="'Ada'", again=True, **NAMED),
    *OTHERS,
]
ITEMS = [
    route(
        "run",
        type="run",
        start_or_deliver="hello_workflow",
        event="item",
        input="'Ada'",
        again=True,
        **NAMED,
    ),
    *OTHERS,
]


async def publish(world: World, kind: str, event_id: str, **more: Any) -> bool:
    """Deliver an event of the topic; return whether it was acknowledged."""
    head = {"specversion": "1.0", "id": event_id, "source": "/shop", "type": kind, **more}
    entry = json.dumps({**head, "data": {"id": "7"}}).encode()
    answer = await world.inbox.on_route(PUBSUB_ROUTES_ORDERED, "orders", entry)
    return answer is SUCCESS


def key(kind: str, event_id: str) -> str:
    return identity.event_key("/shop", event_id, kind)


def run_of(event_id: str) -> str:
    return f"{BASE}-ce-{key('run', event_id)}"


async def entry(world: World, kind: str, event_id: str) -> Entry:
    found = await world.ledger.get(key(kind, event_id))
    assert found
    return found


async def outcome(world: World, kind: str, event_id: str) -> str:
    return str((await entry(world, kind, event_id)).disposition)


def seen(world: World, event_id: str) -> list[str]:
    """Return the keys of the events that a run received, each once."""
    received = world.engine.received.get(run_of(event_id), [])
    return list(dict.fromkeys(one["$usher"]["key"] for one in received))


async def end(world: World, event_id: str, *, seen_all: bool = True) -> None:
    """Have a run end, and announce it."""
    run_id = run_of(event_id)
    world.engine.states[run_id] = WorkflowStatus.COMPLETED
    read = seen(world, event_id)
    ended = Ended(key=key("run", event_id), outcome="COMPLETED", seen=read, seen_all=seen_all)
    await world.ledger.end(run_id, ended)


async def cut_off(world: World, write: int, before: bool, kind: str, event_id: str) -> bool:
    """Have the process end after so many writes, or just before the last, then deliver again."""
    world.store.crash_after, world.store.crash_before, crashed = write, before, False
    try:
        await publish(world, kind, event_id)
    except Crash:
        crashed = True
    world.store.crash_after = None
    await age(world)
    assert await publish(world, kind, event_id)
    return crashed


CUTS = pytest.mark.parametrize(("write", "before"), [(n, b) for n in range(1, 9) for b in (0, 1)])


@CUTS
async def test_each_event_is_one_run_of_its_own(write: int, before: bool) -> None:
    world = World(routes=RUNS)
    assert await publish(world, "run", "a")
    await cut_off(world, write, before, "run", "b")
    assert await publish(world, "run", "a")
    assert world.engine.executions == [run_of("a"), run_of("b")]
    assert await outcome(world, "run", "b") == "started"
    assert world.outbox.letters == []


@CUTS
async def test_an_event_reaches_the_latest_run_and_keeps_to_it(write: int, before: bool) -> None:
    world = World(routes=RUNS)
    for event_id in ("a", "b"):
        await publish(world, "run", event_id)
    world.store.crash_after, world.store.crash_before = write, before
    with suppress(Crash):
        await publish(world, "tick", "t")
    world.store.crash_after = None
    reached = seen(world, "b")
    await publish(world, "run", "c")
    assert await publish(world, "tick", "t")
    found = [one for one in "abc" if seen(world, one)]
    assert found == (["b"] if reached else found)
    assert len(found) == 1
    assert await outcome(world, "tick", "t") == "delivered"
    assert (await entry(world, "tick", "t")).instance_id == run_of(found[0])


@CUTS
async def test_an_event_before_the_first_run_waits_for_it(write: int, before: bool) -> None:
    world = World(routes=RUNS)
    await cut_off(world, write, before, "tick", "t")
    await publish(world, "tick", "u")
    assert await outcome(world, "tick", "t") == "parked"
    await publish(world, "run", "a")
    assert seen(world, "a") == [key("tick", "t"), key("tick", "u")]
    await publish(world, "run", "b")
    assert seen(world, "b") == []


@CUTS
async def test_a_run_hands_over_what_waited_for_its_key_also_after_a_crash(
    write: int, before: bool
) -> None:
    world = World(routes=RUNS)
    for event_id in "tu":
        await publish(world, "tick", event_id)
    await cut_off(world, write, before, "run", "a")
    assert seen(world, "a") == [key("tick", "t"), key("tick", "u")]
    assert [await outcome(world, "tick", one) for one in "tu"] == ["delivered"] * 2
    left = await world.store.read_many([f"parked-{BASE}", f"parked-{run_of('a')}"])
    assert {str(record["keys"]) for record, _ in left.values()} == {"[]"}


async def test_a_run_that_comes_while_an_event_is_parked_gets_it() -> None:
    world = World(routes=RUNS)
    keep = world.parking.keep

    async def late(*arguments: Any) -> Any:
        kept = await keep(*arguments)
        world.parking.keep = keep  # type: ignore[method-assign]
        started = world.engine.executions or await publish(world, "run", "a")
        assert started
        return kept

    world.parking.keep = late  # type: ignore[method-assign, assignment]
    assert await publish(world, "tick", "t")
    assert await outcome(world, "tick", "t") == "delivered"
    assert seen(world, "a") == [key("tick", "t")]


async def test_an_event_for_a_run_that_has_ended_is_refused_and_redriven_to_the_next() -> None:
    world = World(routes=RUNS)
    await publish(world, "run", "a")
    await end(world, "a")
    await publish(world, "tick", "t")
    assert [str(one) for one in world.outbox.reasons] == ["instance_finished"]
    await publish(world, "run", "b")
    await publish(world, "tick", "t", redrive="1", redriveroute="tick")
    assert seen(world, "b") == [key("tick", "t")]


async def test_a_cancel_ends_the_latest_run_alone() -> None:
    world = World(routes=RUNS)
    for event_id in "ab":
        await publish(world, "run", event_id)
    assert await publish(world, "cancel", "c")
    assert world.engine.states[run_of("a")] is WorkflowStatus.RUNNING
    assert world.engine.states[run_of("b")] is WorkflowStatus.TERMINATED


@pytest.mark.parametrize("routes", [RUNS, ITEMS])
@CUTS
async def test_a_run_that_was_cancelled_early_never_starts(
    write: int, before: bool, routes: Any
) -> None:
    world = World(routes=routes)
    await publish(world, "early", "c")
    await cut_off(world, write, before, "run", "a")
    assert (world.engine.executions, await outcome(world, "early", "c")) == ([], "controlled")
    assert await outcome(world, "run", "a") == "dead_lettered"
    await publish(world, "run", "b")
    assert world.engine.executions == [run_of("b")]


async def test_commands_on_the_topics_of_usher_reach_the_latest_run_by_key() -> None:
    world = World(routes=RUNS)
    for event_id in "ab":
        await publish(world, "run", event_id)
    command = {"workflow": "hello_workflow", "key": "7", "event": "tick"}
    assert await world.inbox.on_event(raw_delivery(json.dumps(command).encode(), id="e")) is SUCCESS
    assert len(seen(world, "b")) == 1
    by_id = {"instance_id": run_of("a"), "event": "tick"}
    assert await world.inbox.on_event(raw_delivery(json.dumps(by_id).encode(), id="f")) is SUCCESS
    assert len(seen(world, "a")) == 1


@pytest.mark.parametrize("record", [{}, {"instance_id": 7}])
async def test_a_record_of_the_latest_run_that_is_broken_is_written_anew(record: Any) -> None:
    world = World(routes=RUNS)
    await publish(world, "run", "a")
    world.store.records[f"latest-{BASE}"] = (record, 7)
    await publish(world, "tick", "t")
    assert await outcome(world, "tick", "t") == "parked"
    await publish(world, "run", "b")
    assert seen(world, "b") == [key("tick", "t")]


async def test_a_broken_entry_that_waits_for_a_key_holds_up_no_run() -> None:
    world = World(routes=RUNS)
    for event_id in "tu":
        await publish(world, "tick", event_id)
    world.store.records[f"event-{key('tick', 't')}"] = ({}, 7)
    assert await publish(world, "run", "a")
    assert seen(world, "a") == [key("tick", "u")]


# --- start or deliver ---------------------------------------------------------------------------


@CUTS
async def test_a_second_event_is_delivered_to_the_run_of_the_first(
    write: int, before: bool
) -> None:
    world = World(routes=ITEMS)
    await publish(world, "run", "a")
    await cut_off(world, write, before, "run", "b")
    assert (world.engine.executions, seen(world, "a")) == ([run_of("a")], [key("run", "b")])
    assert await outcome(world, "run", "b") == "delivered"


@CUTS
async def test_an_event_after_the_end_starts_another_run(write: int, before: bool) -> None:
    world = World(routes=ITEMS)
    await publish(world, "run", "a")
    await publish(world, "run", "b")
    await end(world, "a")
    await cut_off(world, write, before, "run", "c")
    assert await publish(world, "run", "b")
    assert world.engine.executions == [run_of("a"), run_of("c")]
    assert await outcome(world, "run", "c") == "started"
    await publish(world, "run", "d")
    assert seen(world, "c") == [key("run", "d")]


@CUTS
async def test_an_event_that_was_delivered_starts_no_run_when_it_comes_again(
    write: int, before: bool
) -> None:
    """It was cut off while it was delivered, and comes again once that run has ended."""
    world = World(routes=ITEMS)
    await publish(world, "run", "a")
    world.store.crash_after, world.store.crash_before = write, before
    with suppress(Crash):
        await publish(world, "run", "b")
    world.store.crash_after = None
    reached = bool(seen(world, "a"))
    await end(world, "a")
    await age(world)
    assert await publish(world, "run", "b")
    assert world.engine.executions == [run_of("a")] + ([] if reached else [run_of("b")])
    assert await outcome(world, "run", "b") == ("delivered" if reached else "started")
    assert world.outbox.letters == []


async def test_two_first_events_at_once_are_one_run() -> None:
    """The second takes the key after the first has looked, and before it takes it."""
    world = World(routes=ITEMS)
    latest, looked = world.facts.with_latest, False

    async def slow(*arguments: Any) -> Any:
        nonlocal looked
        found = await latest(*arguments)
        if not looked:
            looked = True
            assert await publish(world, "run", "b")
        return found

    world.facts.with_latest = slow  # type: ignore[method-assign, assignment]
    assert await publish(world, "run", "a")
    assert (world.engine.executions, seen(world, "b")) == ([run_of("b")], [key("run", "a")])


async def test_the_first_of_two_may_die_before_it_starts() -> None:
    world = World(routes=ITEMS)
    world.store.crash_after = 2  # the claim, and the name of the run
    with pytest.raises(Crash):
        await publish(world, "run", "a")
    assert await publish(world, "run", "b")
    assert await outcome(world, "run", "b") == "parked"
    await age(world)
    assert await publish(world, "run", "a")
    assert (world.engine.executions, seen(world, "a")) == ([run_of("a")], [key("run", "b")])


async def test_a_run_whose_start_was_refused_after_all_is_in_nobodys_way() -> None:
    world = World(routes=ITEMS)
    world.store.crash_after = 2
    with pytest.raises(Crash):
        await publish(world, "run", "a")
    refused = (await entry(world, "run", "a")).model_copy(
        update={"disposition": Disposition.DEAD_LETTERED}
    )
    await world.ledger.settle(refused)
    assert await publish(world, "run", "b")
    assert world.engine.executions == [run_of("b")]


async def test_a_run_that_ends_while_an_event_is_delivered_makes_room_for_another() -> None:
    world = World(routes=ITEMS)
    await publish(world, "run", "a")
    raise_event = world.engine.raise_event

    async def late(instance_id: str, *_: Any) -> None:
        world.engine.states[instance_id] = WorkflowStatus.COMPLETED
        ended = Ended(key=key("run", "a"), outcome="COMPLETED", seen_all=True)
        await world.ledger.end(instance_id, ended)

    world.engine.raise_event = late  # type: ignore[method-assign, assignment]
    assert not await publish(world, "run", "b")
    world.engine.raise_event = raise_event  # type: ignore[method-assign]
    assert await publish(world, "run", "b")
    assert world.engine.executions == [run_of("a"), run_of("b")]
    assert world.outbox.letters == []


async def test_an_end_that_is_not_announced_yet_is_waited_for() -> None:
    world = World(routes=ITEMS)
    await publish(world, "run", "a")
    claim = (await entry(world, "run", "a")).model_copy(
        update={"key": key("run", "b"), "disposition": Disposition.CLAIMED, "token": "theirs"}
    )
    await world.ledger.create(claim)
    world.engine.states[run_of("a")] = WorkflowStatus.COMPLETED
    assert not await publish(world, "run", "b")


# --- what it costs --------------------------------------------------------------------------------


def _tick(world: World, event_id: str) -> None:
    assert at_once(publish)(world, "tick", event_id)


@pytest.mark.parametrize(("again", "more"), [(False, (0, 0, 0)), (True, (2, 1, 0))])
def test_only_a_key_with_many_runs_costs_more(again: bool, more: tuple[int, int, int]) -> None:
    """It costs a read of the latest run, and a claim that keeps to it, which is read again."""
    first = route("run", type="run", start="hello_workflow", again=again, input="'Ada'", **NAMED)
    world = World(routes=[first, *OTHERS])
    assert at_once(publish)(world, "run", "a")
    run_id = run_of("a") if again else BASE
    world.engine.inputs[run_id] = seal(Cause(code=CATALOGUE.code), None)
    _tick(world, "t-1")
    cost, plain = cost_of(lambda: _tick(world, "t-2")), EVENTS["event for an instance"]
    assert tuple(n - m for n, m in zip(cost, plain, strict=True)) == more


async def test_a_busy_claim_is_no_run() -> None:
    """A handler that claims and stalls: the other waits for its lease, and only one run comes."""
    world = World(routes=RUNS)
    world.store.crash_after = 1
    with pytest.raises(Crash):
        await publish(world, "run", "a")
    assert not await publish(world, "run", "a")
    await age(world)
    assert await publish(world, "run", "a")
    assert world.engine.executions == [run_of("a")]
