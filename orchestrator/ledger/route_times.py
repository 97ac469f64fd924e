"""The times of routes: when each was first served, and the last tick of each schedule."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

import structlog
from pydantic import AwareDatetime, BaseModel

from contracts.routes.route import Route
from orchestrator.ledger.store import BrokenRecord, Record, RecordStore, read_as

RENEWED_SECONDS = 24 * 3600
"""How often the times are written again: the store forgets what nobody writes."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""How much older than its route an event may be. A sidecar writes times in whole seconds."""
_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_log = structlog.get_logger()


class Seen(NamedTuple):
    """Since when a route takes events."""

    since: datetime | None
    """Older events are not for it; None if events of any age are."""
    unchanged_since: datetime
    """When it was first served as it is declared now."""


class _Times(BaseModel):
    since: AwareDatetime
    renewed: AwareDatetime
    last_tick: AwareDatetime | None = None
    says: str | None = None
    """Digest of what the route said when it was last served."""
    unchanged_since: AwareDatetime | None = None


class RouteTimes:
    """The times, by the name of the route, in the state store."""

    def __init__(
        self,
        store: RecordStore,
        routes: Iterable[Route],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._now = now
        self._routes = list(routes)

    async def seen(self) -> dict[str, Seen]:
        """Return the times of each route; write them for a route that is new or has changed."""
        found: dict[str, Seen] = {}
        for route in self._routes:
            says = _says(route, self._routes)

            def as_now(times: _Times, says: str = says) -> _Times:
                now = {"says": says, "unchanged_since": self._now()}
                return times if times.says == says else times.model_copy(update=now)

            times, asked = await self._write(route, as_now), route.spec.since
            since = times.since if asked is None else asked if asked != "all" else None
            found[route.name] = Seen(since, times.unchanged_since or times.renewed)
        return found

    def of(self, routes: Iterable[Route]) -> "RouteTimes":
        """Return the times of other routes in the same store."""
        return RouteTimes(self._store, routes, self._now)

    async def begin(self, route: Route) -> None:
        """Note that ticks before now are not for this route."""
        await self.note_tick(route, self._now())

    async def last_tick(self, route: Route) -> datetime:
        """Return the last tick that was served; before the first, the time of the first sight."""
        times = await self._write(route, lambda times: times)
        return times.last_tick or times.since

    async def note_tick(self, route: Route, at: datetime) -> None:
        """Note that a tick was served. An earlier one changes nothing."""

        def noted(times: _Times) -> _Times:
            last = max(at, times.last_tick or at)
            return times.model_copy(update={"last_tick": last})

        await self._write(route, noted)

    async def _write(self, route: Route, change: Callable[[_Times], _Times]) -> _Times:
        """Write what `change` makes of the times of a route, and return them."""
        key, now = f"route-{route.name}", self._now()

        def changed(record: Record | None) -> Record:
            new = _Times(since=now - CLOCKS_DIFFER, renewed=now, last_tick=now)
            times = read_as(_Times, key, record) if record else new
            if (now - times.renewed).total_seconds() >= RENEWED_SECONDS / 2:
                times = times.model_copy(update={"renewed": now})
            return change(times).model_dump(mode="json")

        try:
            return read_as(_Times, key, await self._store.update(key, changed) or {})
        except BrokenRecord as error:
            _log.error("written anew: events of any age are for this route", error=str(error))
            mended = _Times(since=_LONG_AGO, renewed=now, last_tick=now)
            await self._store.mend(key, mended.model_dump(mode="json"))
            return mended


def _says(route: Route, routes: Iterable[Route]) -> str:
    """Return a digest of what a route says; of one for unmatched events, of its whole topic."""
    of = [one for one in routes if one.spec.channel == route.spec.channel and one.topic]
    named = {one.name: one.spec.as_json() for one in (of if route.spec.unmatched else [route])}
    return sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:24]
