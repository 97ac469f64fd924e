"""Ticks: served once, made up for as the route says, and a route that fails is alone in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.routes.route import Route
from orchestrator.clock import Schedules
from orchestrator.intake.arrival import Arrival
from orchestrator.intake.routed_arrivals import Router
from orchestrator.ledger.route_times import RouteTimes
from tests.support.memory import MemoryStore
from tests.support.routed import route

ONLY: dict[str, Any] = {"from": None, "start": "hello_workflow", "every": "0 * * * *"}
BEGIN = datetime(2030, 1, 31, 8, 0, 30, tzinfo=UTC)


class Clock:
    """The schedules of some routes under a clock that tests set."""

    def __init__(self, *routes: Route, store: MemoryStore | None = None) -> None:
        self.now = BEGIN
        self.served: list[str] = []
        self.refuses = False
        self.serve = self._serve
        self.store = store or MemoryStore()
        times = RouteTimes(self.store, routes, lambda: self.now)
        self.schedules = Schedules(
            routes, times, Router(routes, {}).tick, self._take, lambda: self.now
        )

    async def _take(self, arrival: Arrival) -> bool:
        return await self.serve(arrival)

    async def _serve(self, arrival: Arrival) -> bool:
        if self.refuses:
            return False
        self.served.append(arrival.event.id)
        return True

    async def at(self, **later: float) -> list[str]:
        """Look at the clock so much later; return what was served since the last look."""
        self.now = BEGIN + timedelta(**later)
        self.served = []
        await self.schedules.look()
        return [one.partition("/")[2] for one in self.served]


def hourly(missed: str = "last", name: str = "r") -> Route:
    return route(name, **ONLY, missed=missed)


async def test_each_tick_is_served_once() -> None:
    clock = Clock(hourly())
    assert await clock.at() == []
    assert await clock.at(minutes=59, seconds=30) == ["2030-01-31T09:00:00+00:00"]
    assert await clock.at(minutes=60) == []
    assert await clock.at(hours=2) == ["2030-01-31T10:00:00+00:00"]


@pytest.mark.parametrize(
    ("missed", "hours"), [("last", [13]), ("all", [9, 10, 11, 12, 13]), ("none", [])]
)
async def test_ticks_that_were_missed_are_made_up_for_as_the_route_says(
    missed: str, hours: list[int]
) -> None:
    before = Clock(hourly(missed))
    await before.at()
    after = Clock(hourly(missed), store=before.store)
    assert await after.at(hours=5, minutes=10) == [
        f"2030-01-31T{hour:02}:00:00+00:00" for hour in hours
    ]
    assert await after.at(hours=6) == ["2030-01-31T14:00:00+00:00"]


async def test_a_tick_that_cannot_be_served_comes_again() -> None:
    clock = Clock(hourly())
    await clock.at()
    clock.refuses = True
    assert await clock.at(hours=1) == []
    clock.refuses = False
    assert await clock.at(hours=1, seconds=1) == ["2030-01-31T09:00:00+00:00"]


async def test_a_route_that_fails_holds_up_no_other() -> None:
    clock = Clock(hourly(name="a"), hourly(name="b"))
    await clock.at()
    clock.store.records["route-a"] = ({"since": "never"}, 1)
    assert len(await clock.at(hours=1)) == 1
    assert len(await clock.at(hours=2)) == 2, "a broken record is written anew"


async def test_a_paused_route_serves_no_tick_and_makes_up_for_none() -> None:
    clock = Clock(hourly())
    await clock.at()
    paused = Clock(route("r", **ONLY, paused=True), store=clock.store)
    assert await paused.at(hours=3) == []
    again = Clock(hourly("all"), store=clock.store)
    assert await again.at(hours=3, minutes=5) == []


async def test_a_late_replica_serves_the_same_tick_under_the_same_id() -> None:
    first = Clock(hourly())
    await first.at()
    second = Clock(hourly(), store=first.store)
    await second.at()
    await first.at(hours=1)
    first.store.records["route-r"] = (  # as if the first had not noted it yet
        {**first.store.records["route-r"][0], "last_tick": None},
        7,
    )
    await second.at(hours=1)
    assert first.served == second.served


async def test_another_set_of_schedules_takes_their_place() -> None:
    clock = Clock(hourly(name="goes"), hourly(name="stays"))
    await clock.at()
    clock.schedules.serve([hourly(name="stays"), hourly(name="comes")])
    await clock.at(minutes=30, seconds=30)
    assert len(await clock.at(hours=1)) == 2
    assert {one.partition("/")[0] for one in clock.served} == {"stays", "comes"}


async def test_a_schedule_that_goes_during_a_look_is_not_looked_at() -> None:
    clock = Clock(hourly(name="first"), hourly(name="second"))
    await clock.at()

    async def replace(arrival: Arrival) -> bool:
        clock.served.append(arrival.event.id)
        clock.schedules.serve([])
        return True

    clock.serve = replace
    assert len(await clock.at(hours=1)) == 1
    assert await clock.at(hours=2) == []
