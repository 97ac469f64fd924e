"""Starts workflows by the clock: one run for each tick of a route, also with several replicas.

Each orchestrator looks at its own clock. A tick is an event with an id of its own, so the ledger
lets one start count. The last tick of each route is kept in the state store: after an absence, the
ticks since then are made up for as the route says.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

import structlog

from contracts.routes.route import Route
from orchestrator.intake.arrival import Arrival
from orchestrator.ledger.route_times import RouteTimes

SECONDS = 1
"""How often the clock is looked at."""
Arrivals = Callable[[Route, datetime], Arrival | None]
"""Makes the arrival of a tick; None while the route is paused."""

_log = structlog.get_logger()


class Schedules:
    """The routes with a schedule."""

    def __init__(
        self,
        routes: Iterable[Route],
        times: RouteTimes,
        arrival: Arrivals,
        serve: Callable[[Arrival], Awaitable[bool]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`serve` returns False where the tick must come again."""
        self._routes: dict[str, Route] = {}
        self._times = times
        self._arrival = arrival
        self._serve = serve
        self._now = now
        self._next: dict[str, datetime] = {}
        self.serve(routes)

    def serve(self, routes: Iterable[Route]) -> None:
        """Serve these routes from now on. One that has not changed keeps its next tick."""
        new = {route.name: route for route in routes if route.schedule}
        stay = [name for name, old in self._routes.items() if name in new and new[name] == old]
        self._next = {name: self._next[name] for name in stay if name in self._next}
        self._routes = new

    async def look(self) -> None:
        """Serve the ticks that are due. A route that fails holds up no other."""
        now = self._now()
        for name, route in self._routes.items():
            replaced = self._routes.get(name) is not route
            if replaced or (name in self._next and now < self._next[name]):
                continue
            try:
                await self._catch_up(route, now)
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                _log.warning("will be tried again", route=name, error=said)

    async def _catch_up(self, route: Route, now: datetime) -> None:
        schedule = route.schedule
        assert schedule, "only routes with a schedule are here"
        due = schedule.missed(await self._times.last_tick(route), now, route.spec.missed)
        if due.left_out:
            _log.warning("ticks were missed", route=route.name, missed=route.spec.missed)
        for at in due.at:
            arrival = self._arrival(route, at)
            if arrival and not await self._serve(arrival):
                return  # not noted: the next look serves it again
        if due.at:
            await self._times.note_tick(route, due.at[-1])
        if self._routes.get(route.name) is route:
            self._next[route.name] = next(schedule.after(now))
