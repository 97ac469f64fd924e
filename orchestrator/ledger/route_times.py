"""The times of routes: when each was first served, and the last tick of each schedule."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

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


class _Times(BaseModel):
    since: AwareDatetime
    renewed: AwareDatetime
    last_tick: AwareDatetime | None = None


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
