"""When each route was first served: older events are not for it, unless it asks for them."""

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog
from pydantic import AwareDatetime, BaseModel

from contracts.routes.route import Route
from orchestrator.ledger.store import BrokenRecord, Record, RecordStore, read_as

RENEWED_SECONDS = 24 * 3600
"""How often the times are written again: the store forgets what nobody writes."""
_ALL = datetime.min.replace(tzinfo=UTC)

_log = structlog.get_logger()


class _Record(BaseModel):
    since: AwareDatetime
    renewed: AwareDatetime


class RouteStarts:
    """The times of routes, by name, in the state store."""

    def __init__(self, store: RecordStore, routes: Iterable[Route]) -> None:
        self._store = store
        self._routes = [route for route in routes if route.topic]

    async def since(self) -> dict[str, datetime]:
        """Return the time before which events are not for a route; write it for a new route."""
        found: dict[str, datetime] = {}
        for route in self._routes:
            asked = route.spec.since
            if asked is None:
                found[route.name] = await self._of(route)
            elif isinstance(asked, datetime):
                found[route.name] = asked
        return found

    async def renew(self) -> None:
        """Write the times again, so that they are kept."""
        await self.since()

    async def _of(self, route: Route) -> datetime:
        key, now = f"route-{route.name}", datetime.now(UTC)

        def renewed(record: Record | None) -> Record:
            since = read_as(_Record, key, record).since if record else now
            return _Record(since=since, renewed=now).model_dump(mode="json")

        try:
            record = await self._store.update(key, renewed)
            return read_as(_Record, key, record or {}).since
        except BrokenRecord as error:
            _log.error("events of any age are taken", route=route.name, error=str(error))
            return _ALL
