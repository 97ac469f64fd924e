"""The times of routes: first sight, and the last change of what a route says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.ledger.route_times import CLOCKS_DIFFER, RouteTimes, Seen
from tests.support.memory import MemoryStore
from tests.support.routed import route

BEGIN = datetime(2030, 1, 31, 8, tzinfo=UTC)


class Clock:
    """A store, at a time that tests set."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    async def seen(self, minutes: int, **fields: Any) -> Seen:
        now = BEGIN + timedelta(minutes=minutes)
        return (await RouteTimes(self.store, [route(**fields)], lambda: now).seen())["r"]


async def test_a_restart_changes_no_time() -> None:
    clock = Clock()
    first = await clock.seen(0)
    assert first == (BEGIN - CLOCKS_DIFFER, BEGIN)
    assert await clock.seen(5) == first
    assert await clock.seen(60 * 24 * 3) == first


async def test_a_route_that_was_gone_begins_anew() -> None:
    store = MemoryStore()

    async def seen(minutes: int, *names: str) -> dict[str, Seen]:
        now = BEGIN + timedelta(minutes=minutes)
        return await RouteTimes(store, [route(name) for name in names], lambda: now).seen()

    first = (await seen(0, "a", "b"))["b"]
    assert (await seen(1, "a"))["a"].unchanged_since == BEGIN
    again = (await seen(2, "a", "b"))["b"]
    assert again == (first.since, BEGIN + timedelta(minutes=2))


async def test_the_times_are_written_again_before_the_store_forgets_them() -> None:
    clock = Clock()
    await clock.seen(0)
    before = clock.store.records["routes-served"]
    await clock.seen(5)
    assert clock.store.records["routes-served"] == before
    await clock.seen(60 * 13)
    assert clock.store.records["routes-served"] != before


async def test_a_broken_record_counts_as_a_change() -> None:
    clock = Clock()
    await clock.seen(0)
    _, etag = await clock.store.read("routes-served")
    await clock.store.replace("routes-served", {"routes": 7}, etag)
    assert (await clock.seen(5)).unchanged_since == BEGIN + timedelta(minutes=5)
    assert (await clock.seen(6)).unchanged_since == BEGIN + timedelta(minutes=5)


@pytest.mark.parametrize("change", [{"when": "data.a"}, {"paused": True}, {"since": "all"}])
async def test_a_change_is_noted_and_the_first_sight_stays(change: dict[str, Any]) -> None:
    clock = Clock()
    await clock.seen(0)
    changed = await clock.seen(5, **change)
    assert changed.unchanged_since == BEGIN + timedelta(minutes=5)
    assert (await clock.seen(9)).unchanged_since == BEGIN + timedelta(minutes=9)
    assert (await clock.seen(9)).since == BEGIN - CLOCKS_DIFFER


async def test_a_route_may_say_since_when_it_takes_events() -> None:
    clock = Clock()
    assert (await clock.seen(0, since="all")).since is None
    asked = await clock.seen(0, since="2029-01-01T00:00:00Z")
    assert asked.since == datetime(2029, 1, 1, tzinfo=UTC)


async def test_what_no_route_is_for_changes_with_every_route_of_its_topic() -> None:
    store, rest = MemoryStore(), route("rest", unmatched="dead-letter")

    async def changed(minutes: int, *others: Any) -> datetime:
        now = BEGIN + timedelta(minutes=minutes)
        seen = await RouteTimes(store, [rest, *others], lambda: now).seen()
        return seen["rest"].unchanged_since

    assert await changed(0) == BEGIN
    assert await changed(1, route("far", **{"from": "carts"})) == BEGIN
    assert await changed(2, route("near")) == BEGIN + timedelta(minutes=2)
    assert await changed(3, route("near", paused=True)) == BEGIN + timedelta(minutes=3)
