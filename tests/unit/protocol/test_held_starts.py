"""Starts that are held: made once when they are due, cancelled before, whatever is cut off."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from dapr.ext.workflow import WorkflowStatus

from contracts import identity
from contracts.topics import PUBSUB_ROUTES_ORDERED
from orchestrator.api.accounts import Accountant
from orchestrator.api.instances import parked
from orchestrator.engine.client import Engine
from orchestrator.ledger.records import Entry
from orchestrator.ledger.store import Busy
from tests.support.memory import Crash, World
from tests.support.routed import route
from tests.unit.protocol.test_protocol_crashes import age

HELLO = {"start": "hello_workflow", "input": "'Ada'"}
ROUTES = [
    route("later", type="later", key="data.id", delay="1h", **HELLO),
    route("due", type="due", key="data.id", at="data.due", **HELLO),
    route("now", type="now", key="data.id", **HELLO),
    route("own", type="own", delay="1h", **HELLO),
    route("cancel", type="cancel", key="data.id", cancel="hello_workflow"),
    route("tick", type="tick", key="data.id", deliver="hello_workflow", event="tick"),
]
EARLY = [
    *ROUTES[:3],
    route("cancel", type="cancel", key="data.id", cancel="hello_workflow", early="1h"),
]
INSTANCE = "hello_workflow-7"
HOUR = timedelta(hours=1)


async def publish(world: World, kind: str, event_id: str = "", **data: Any) -> bool:
    """Deliver an event of the topic; return whether it was acknowledged."""
    more = data.pop("attributes", {})
    head = {"specversion": "1.0", "id": event_id or kind, "source": "/shop", "type": kind, **more}
    entry = json.dumps({**head, "data": {"id": "7", **data}}).encode()
    answer = await world.inbox.on_route(PUBSUB_ROUTES_ORDERED, "orders", entry)
    return answer.status.name == "success"


def key(kind: str, event_id: str = "") -> str:
    return identity.event_key("/shop", event_id or kind, kind)


async def entry(world: World, kind: str, event_id: str = "") -> Entry:
    found = await world.ledger.get(key(kind, event_id))
    assert found, kind
    return found


async def outcome(world: World, kind: str, event_id: str = "") -> str:
    return str((await entry(world, kind, event_id)).disposition)


async def let_time_pass(world: World) -> None:
    """Let every held start be due."""
    for name, (record, version) in world.store.records.items():
        if "until" in record:
            due = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
            world.store.records[name] = ({**record, "until": due}, version)


async def run_due(world: World) -> None:
    """Have the engine run what is due, again until it succeeds."""
    for held, _ in [*world.engine.timers.values()]:
        for _ in range(3):
            try:
                await world.held_starts.due(held)
            except Busy:
                await age(world)
            else:
                break


async def is_listed(world: World) -> bool:
    record, _ = await world.store.read(f"held-{INSTANCE}")
    return bool(record and record["keys"])


async def cut_off(world: World, write: int, before: bool, work: Any) -> bool:
    """Have the process end after so many writes, or just before the last; return whether it did."""
    world.store.crash_after, world.store.crash_before, crashed = write, before, False
    try:
        await work
    except Crash:
        crashed = True
    world.store.crash_after = None
    await age(world)
    return crashed


async def test_a_start_is_held_until_it_is_due_and_shown() -> None:
    world = World(routes=ROUTES)
    before = datetime.now(UTC)
    assert await publish(world, "later")
    assert (world.engine.executions, await outcome(world, "later")) == ([], "parked")
    shown = parked(await entry(world, "later"))
    assert (shown.event, shown.workflow, shown.data) == ("start", "hello_workflow", "Ada")
    ((held, due),) = world.engine.timers.values()
    assert (held, due) == (key("later"), shown.until)
    assert HOUR <= due - before <= HOUR + timedelta(minutes=1)
    await let_time_pass(world)
    await run_due(world)
    assert (world.engine.executions, await outcome(world, "later")) == ([INSTANCE], "started")
    now = await entry(world, "later")
    assert (now.event, now.asked) == (None, None)
    assert not await is_listed(world)


async def test_a_delay_counts_from_the_first_delivery() -> None:
    world = World(routes=ROUTES)
    assert await publish(world, "later")
    first = (await entry(world, "later")).until
    assert await publish(world, "later")
    assert (await entry(world, "later")).until == first
    assert len(world.engine.timers) == 1


async def test_a_start_that_is_due_too_early_for_this_clock_waits() -> None:
    world = World(routes=ROUTES)
    await publish(world, "later")
    with pytest.raises(Busy, match="is due at"):
        await world.held_starts.due(key("later"))
    assert await outcome(world, "later") == "parked"


@pytest.mark.parametrize("due", ["2020-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
async def test_a_time_in_the_past_is_now(due: str) -> None:
    world = World(routes=ROUTES)
    assert await publish(world, "due", due=due)
    assert world.engine.executions == [INSTANCE]


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ("tomorrow", "is no time"),
        ("9999-12-31T23:59:59-14:00", "more than 366 days ahead"),
        (7, "is no time"),
    ],
)
async def test_what_is_no_time_is_refused(due: Any, said: str) -> None:
    world = World(routes=ROUTES)
    assert await publish(world, "due", due=due)
    ((_, _, why),) = world.outbox.letters
    assert (str(why.reason), world.engine.timers) == ("route_condition", {})
    assert said in why.message


async def test_an_event_that_has_expired_since_starts_all_the_same() -> None:
    world = World(routes=ROUTES)
    soon = (datetime.now(UTC) + timedelta(seconds=0.2)).isoformat()
    assert await publish(world, "later", attributes={"expiration": soon})
    late = await entry(world, "later")
    record, version = world.store.records[f"event-{late.key}"]
    past = {**record["event"], "expiration": "2020-01-01T00:00:00Z"}
    world.store.records[f"event-{late.key}"] = ({**record, "event": past}, version)
    await let_time_pass(world)
    await run_due(world)
    assert await outcome(world, "later") == "started"


async def test_an_early_event_is_delivered_by_a_held_start_and_delayed_by_none() -> None:
    world = World(routes=ROUTES)
    await publish(world, "later")
    await publish(world, "tick", "t-1")
    await publish(world, "now")
    await publish(world, "tick", "t-2")
    assert await outcome(world, "tick", "t-1") == "delivered"
    assert await outcome(world, "tick", "t-2") == "delivered"
    await let_time_pass(world)
    await run_due(world)
    assert await outcome(world, "later") == "duplicate"
    assert world.engine.executions == [INSTANCE]


async def test_of_two_starts_that_differ_the_first_that_is_due_counts() -> None:
    world = World(
        routes=[
            *ROUTES[1:],
            route(
                "later",
                type="later",
                key="data.id",
                delay="1h",
                start="hello_workflow",
                input="'Eve'",
            ),
        ]
    )
    await publish(world, "later")
    await publish(world, "now")
    await let_time_pass(world)
    await run_due(world)
    assert (await outcome(world, "now"), await outcome(world, "later")) == (
        "started",
        "dead_lettered",
    )
    assert [str(reason) for reason in world.outbox.reasons] == ["instance_exists"]


async def test_a_held_start_without_a_key_runs_under_the_id_of_its_event() -> None:
    world = World(routes=ROUTES)
    await publish(world, "own")
    await let_time_pass(world)
    await run_due(world)
    assert world.engine.executions == [f"hello_workflow-ce-{key('own')}"]


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("write", range(1, 4))
async def test_a_start_is_held_once_also_after_a_crash(write: int, before: bool) -> None:
    world = World(routes=ROUTES)
    crashed = await cut_off(world, write, before, publish(world, "later"))
    assert crashed == (write <= 2)
    assert await publish(world, "later")
    assert (await outcome(world, "later"), await is_listed(world)) == ("parked", True)
    await let_time_pass(world)
    await run_due(world)
    assert (world.engine.executions, await outcome(world, "later")) == ([INSTANCE], "started")


@pytest.mark.parametrize("by", ["run", "broker", "sweep"])
@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("write", range(1, 6))
async def test_a_start_that_is_due_is_made_once_also_after_a_crash(
    write: int, before: bool, by: str
) -> None:
    world = World(routes=ROUTES)
    await publish(world, "later")
    await publish(world, "tick")
    await let_time_pass(world)
    crashed = await cut_off(world, write, before, world.held_starts.due(key("later")))
    assert crashed == (write <= 5)
    if by == "broker":
        assert await publish(world, "later")
    waiting = await world.parking.waiting(world.engine.timers)
    assert (await entry(world, "later")).final or key("later") in [one.key for one in waiting]
    await run_due(world)
    assert (world.engine.executions, await outcome(world, "later")) == ([INSTANCE], "started")
    assert await outcome(world, "tick") == "delivered"
    assert not await is_listed(world)
    assert world.outbox.letters == []


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("write", range(1, 8))
@pytest.mark.parametrize("routes", [ROUTES, EARLY])
@pytest.mark.parametrize("due_first", [False, True])
async def test_a_held_start_that_is_cancelled_never_runs(
    write: int, before: bool, routes: Any, due_first: bool
) -> None:
    world = World(routes=routes)
    await publish(world, "later")
    await cut_off(world, write, before, publish(world, "cancel"))
    marked = (await entry(world, "later")).cancelled_by
    if due_first and marked:
        await let_time_pass(world)
        await run_due(world)
    assert await publish(world, "cancel")
    assert await outcome(world, "cancel") == "controlled"
    assert await outcome(world, "later") == "dead_lettered"
    assert {str(reason) for reason in world.outbox.reasons} == {"cancelled_early"}
    await let_time_pass(world)
    await run_due(world)
    assert world.engine.executions == []
    assert not await is_listed(world)
    assert world.engine.done == []


async def test_the_audit_misses_nothing_while_a_start_is_held_or_made() -> None:
    world = World(routes=ROUTES)
    accountant = Accountant(world.ledger, cast(Engine, world.engine), world.parking)
    await publish(world, "later")
    ((run_id, _),) = world.engine.timers.items()
    world.engine.states[run_id] = WorkflowStatus.PENDING
    for disposition, write in (("parked", 1), ("parked", 9), ("started", 9)):
        (found,) = await accountant.accounts([key("later")])
        assert (found.disposition, found.missing) == (disposition, None)
        if disposition == "parked":
            await let_time_pass(world)
            await cut_off(world, write, False, world.held_starts.due(key("later")))
    await publish(world, "later", "lost")
    world.store.records.pop(f"held-{INSTANCE}")
    (lost,) = await accountant.accounts([key("later", "lost")])
    assert "is not on the list" in (lost.missing or "")


async def test_every_held_start_of_the_key_is_cancelled() -> None:
    world = World(routes=ROUTES)
    for event_id in ("a", "b"):
        await publish(world, "later", event_id)
    await publish(world, "cancel")
    assert {await outcome(world, "later", one) for one in "ab"} == {"dead_lettered"}


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("write", range(1, 8))
async def test_a_start_that_was_cancelled_before_it_came_is_not_held(
    write: int, before: bool
) -> None:
    world = World(routes=EARLY)
    await publish(world, "cancel")
    await cut_off(world, write, before, publish(world, "later"))
    assert await publish(world, "later")
    assert await outcome(world, "later") == "dead_lettered"
    assert await outcome(world, "cancel") == "controlled"
    await run_due(world)
    assert (world.engine.executions, await is_listed(world)) == ([], False)


async def test_a_cancel_and_a_start_at_once_see_each_other() -> None:
    """The start is held after the cancel has looked, and before it is parked."""
    world = World(routes=EARLY)
    park, held = world.parking.park, False

    async def late(*arguments: Any) -> Any:
        nonlocal held
        if not held:
            held = await publish(world, "later")
        return await park(*arguments)

    world.parking.park = late  # type: ignore[assignment]
    assert await publish(world, "cancel")
    assert await outcome(world, "later") == "dead_lettered"
    assert await outcome(world, "cancel") == "controlled"


async def test_a_cancel_while_the_start_is_made_comes_again_and_ends_the_run() -> None:
    world = World(routes=ROUTES)
    await publish(world, "later")
    await let_time_pass(world)
    await cut_off(world, 1, False, world.held_starts.due(key("later")))
    assert not await publish(world, "cancel")
    await run_due(world)
    assert await publish(world, "cancel")
    assert world.engine.states[INSTANCE] is WorkflowStatus.TERMINATED


async def test_a_cancel_of_nothing_is_refused_as_before() -> None:
    world = World(routes=ROUTES)
    await publish(world, "cancel")
    assert [str(reason) for reason in world.outbox.reasons] == ["unknown_instance"]


async def test_a_held_start_that_was_cancelled_is_redriven() -> None:
    world = World(routes=ROUTES)
    await publish(world, "later")
    await publish(world, "cancel")
    assert await publish(world, "later", attributes={"redrive": "1", "redriveroute": "later"})
    assert await outcome(world, "later") == "parked"
    assert len(world.engine.timers) == 2
    await let_time_pass(world)
    await run_due(world)
    assert (world.engine.executions, await outcome(world, "later")) == ([INSTANCE], "started")


async def test_an_input_that_does_not_fit_is_refused_before_it_is_held() -> None:
    world = World(
        routes=[
            route(
                "later",
                type="later",
                key="data.id",
                delay="1h",
                start="hello_workflow",
                input="{'name': 7}",
            )
        ]
    )
    await publish(world, "later")
    assert [str(reason) for reason in world.outbox.reasons] == ["invalid_input"]
