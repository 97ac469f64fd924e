"""A record of the ledger that somebody broke is the trouble of whoever needs it, alone."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from dapr.ext.workflow import WorkflowStatus

from chassis.topic_server import SUCCESS
from contracts import identity
from contracts.events import Reason
from contracts.topics import Topic
from orchestrator.api.accounts import Accountant
from orchestrator.engine.client import Engine
from orchestrator.engine.envelope import Cause, unseal, unseal_event
from orchestrator.intake.redelivery import Redelivery
from orchestrator.ledger.records import Ended
from tests.support.memory import World
from tests.unit.orchestrator.intake.test_identity_reused import EVENT, START, deliver, event

BROKEN: list[dict[str, Any]] = [{}, {"key": 1}, {"keys": "x"}, {"at": "2030-01-01T00:00:00"}]


def put(world: World, name: str, record: dict[str, Any]) -> None:
    world.store.records[name] = record, 7


def key(event_id: str) -> str:
    return identity.event_key("/test", event_id)


@pytest.mark.parametrize("record", BROKEN)
@pytest.mark.parametrize("topic", [Topic.REQUESTS, Topic.EVENTS])
async def test_an_event_whose_entry_is_broken_is_dead_lettered(
    topic: Topic, record: dict[str, Any]
) -> None:
    world = World()
    put(world, f"event-{key('order-7')}", record)
    command = START if topic is Topic.REQUESTS else EVENT
    assert await deliver(world, topic, event(command)) is SUCCESS
    assert world.outbox.reasons == [Reason.HANDLER_ERROR]
    assert "whether the event was served is not known" in world.outbox.letters[0][2].message
    assert world.engine.executions == []


@pytest.mark.parametrize("record", BROKEN)
async def test_a_broken_entry_on_a_list_holds_up_no_other(record: dict[str, Any]) -> None:
    world = World()
    for event_id in ("e-1", "e-2"):
        await deliver(world, Topic.EVENTS, event(EVENT, event_id))
    put(world, f"event-{key('e-1')}", record)
    assert len(await world.parking.waiting(world.engine.timers)) == 1
    await deliver(world, Topic.REQUESTS, event(START))
    assert [one["$usher"]["key"] for one in world.engine.received["i-1"]] == [key("e-2")]
    await world.parking.expire(key("e-1"))
    assert world.outbox.letters == []


async def test_what_a_broken_list_held_is_handed_over_at_its_deadline() -> None:
    world = World()
    await deliver(world, Topic.EVENTS, event(EVENT, "e-1"))
    put(world, "parked-i-1", {"keys": 7})
    await deliver(world, Topic.REQUESTS, event(START))
    assert world.engine.received == {}
    await world.parking.expire(key("e-1"))
    assert len(world.engine.received["i-1"]) == 1
    assert await world.disposition(event(EVENT, "e-1")) == "delivered"


async def test_a_broken_ending_is_written_again() -> None:
    world = World()
    put(world, "ended-i-1", {"outcome": 7})
    assert await world.ledger.ended("i-1") is None
    ended = Ended(key="k", outcome="COMPLETED")
    await world.ledger.end("i-1", ended)
    assert await world.ledger.ended("i-1") == ended


async def test_a_parked_event_that_cannot_be_handed_over_is_not_the_fault_of_the_start() -> None:
    world = World()
    for event_id in ("e-1", "e-2"):
        await deliver(world, Topic.EVENTS, event(EVENT, event_id))
    name = f"event-{key('e-1')}"
    start = event(START).to_json()
    put(world, name, {**world.store.records[name][0], "event": json.loads(start)})
    await deliver(world, Topic.REQUESTS, event(START))
    assert world.outbox.reasons == [Reason.HANDLER_ERROR]
    assert await world.disposition(event(START)) == "started"
    assert len(world.engine.received["i-1"]) == 1


async def test_an_event_that_cannot_expire_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    for event_id in ("e-1", "e-2"):
        await deliver(world, Topic.EVENTS, event({**EVENT, "ttl_seconds": 0.001}, event_id))
    expire, asked = world.parking.expire, []

    async def once(which: str) -> None:
        asked.append(which)
        if len(asked) == 1:
            raise OSError
        await expire(which)

    monkeypatch.setattr(world.parking, "expire", once)
    parked = [
        one.model_copy(update={"until": datetime.now(UTC) - timedelta(hours=1)})
        for one in await world.parking.waiting(world.engine.timers)
    ]
    await Redelivery(world.parking, world.held_starts, cast(Engine, world.engine)).find(parked)
    assert world.outbox.reasons == [Reason.EXPIRED]


async def test_the_audit_hears_what_is_broken_overdue_or_was_never_read() -> None:
    world = World()
    accountant = Accountant(world.ledger, cast(Engine, world.engine), world.parking)
    await deliver(world, Topic.EVENTS, event(EVENT, "late"))
    name = f"event-{key('late')}"
    until = datetime.now(UTC) - timedelta(minutes=6)
    put(world, name, {**world.store.records[name][0], "until": until.isoformat()})
    world.engine.states["i-2"] = WorkflowStatus.RUNNING
    for event_id in ("read", "unread"):
        await deliver(world, Topic.EVENTS, event({**EVENT, "instance_id": "i-2"}, event_id))
    put(world, f"event-{key('broken')}", {})
    seen = {"seen": [key("read")], "seen_all": True}
    await world.ledger.end("i-2", Ended(key="k", outcome="COMPLETED", **seen))
    broken: set[str] = set()
    wanted = [key(one) for one in ("late", "read", "unread", "broken")]
    found = {one.key: one.missing or "" for one in await accountant.accounts(wanted, broken)}
    assert broken == {key("broken")}
    assert "though its deadline was" in found[key("late")]
    assert found[key("read")] == ""
    assert "ended COMPLETED without having read it" in found[key("unread")]


@pytest.mark.parametrize(
    "ended",
    [
        Ended(key="k", outcome="TERMINATED", seen_all=False),
        Ended(key="k", outcome="COMPLETED", seen=["x"] * 256, seen_all=True),
    ],
)
def test_what_a_run_had_seen_is_not_guessed(ended: Ended) -> None:
    assert not ended.never_read("e")


def test_an_input_or_event_of_anothers_that_looks_like_ours_is_as_it_is() -> None:
    for odd in (5, None, "x", {"attempt": "x"}):
        assert unseal({"$usher": odd, "input": 1}) == (Cause(), {"$usher": odd, "input": 1})
        assert unseal_event({"$usher": odd}) == (None, {"$usher": odd})
