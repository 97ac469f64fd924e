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
_SERVED = "routes-served"
_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_log = structlog.get_logger()


class Seen(NamedTuple):
    """Since when a route takes events."""

    since: datetime | None
    """Older events are not for it; None if events of any age are."""
    unchanged_since: datetime
    """Since when it is served as it is declared now, without a pause."""


class _Times(BaseModel):
    since: AwareDatetime
    renewed: AwareDatetime
    last_tick: AwareDatetime | None = None


class _Form(BaseModel):
    says: str
    """Digest of what the route says."""
    since: AwareDatetime


class _Forms(BaseModel):
    """What the routes said that were served last, by name. A route that was gone begins anew."""

    routes: dict[str, _Form] = {}
    renewed: AwareDatetime | None = None


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
        """Return the times of each route; write what is new or has changed."""
        since, now = await self.since(), self._now()
        says = {route.name: _says(route, self._routes) for route in self._routes}

        def served(record: Record | None) -> Record:
            before = read_as(_Forms, _SERVED, record or {})
            forms = {name: _Form(says=text, since=now) for name, text in says.items()}
            forms |= {n: one for n, one in before.routes.items() if says.get(n) == one.says}
            renewed = before.renewed or now
            renewed = now if (now - renewed).total_seconds() >= RENEWED_SECONDS / 2 else renewed
            return _Forms(routes=forms, renewed=renewed).model_dump(mode="json")

        try:
            record = await self._store.update(_SERVED, served)
        except BrokenRecord as error:
            _log.error("written anew: all routes count as changed", error=str(error))
            record = served(None)
            await self._store.mend(_SERVED, record)
        forms = read_as(_Forms, _SERVED, record or {}).routes
        return {name: Seen(since.get(name), form.since) for name, form in forms.items()}

    async def since(self) -> dict[str, datetime]:
        """Return the time before which events are not for a route; write it for a new route.

        A route that asks for events of any age is left out.
        """
        found: dict[str, datetime] = {}
        for route in self._routes:
            asked = route.spec.since
            if asked is None:
                found[route.name] = (await self._write(route, lambda times: times)).since
            elif isinstance(asked, datetime):
                found[route.name] = asked
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
