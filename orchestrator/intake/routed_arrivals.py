"""Finds what an event of people's own topics asks for: one arrival for each route it matches."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from contracts.cloudevent import CloudEvent
from contracts.routes.channels import OWN_COMPONENTS, channel
from contracts.routes.examples import tick
from contracts.routes.incoming import read_incoming
from contracts.routes.matching import (
    Matched,
    NotMatched,
    RouteRefused,
    RouteTable,
    Split,
    outcome,
)
from contracts.routes.route import Route
from contracts.routes.route_set import digest
from contracts.served_routes import Routes, ServedRoute, UnroutedEvent
from orchestrator.intake.arrival import Arrival, arrive_by_route
from orchestrator.ledger.route_times import Seen
from orchestrator.metrics import Metrics

EVERY = "every"
"""What logs, metrics and dead letters name in place of the topic of a tick."""
KEPT = 20
"""How many events that no route is for are remembered."""


class Router:
    """The routes that are served, and what they made of the events of this process."""

    def __init__(
        self, routes: Iterable[Route], seen: Mapping[str, Seen], metrics: Metrics | None = None
    ) -> None:
        self._metrics = metrics or Metrics()
        self.serve(routes, seen)
        self._matched: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._last: dict[str, datetime] = {}
        self._unrouted: list[UnroutedEvent] = []
        self._unrouted_total = 0

    def serve(self, routes: Iterable[Route], seen: Mapping[str, Seen]) -> None:
        """Serve these routes from now on. An entry that is being read keeps its set of routes.

        `seen` has the times of each route by its name.
        """
        self.routes = tuple(routes)
        self._seen = seen
        since = {name: one.since for name, one in seen.items() if one.since}
        self._table = RouteTable(self.routes, since)

    def arrivals(self, component: str, topic: str, entry: bytes) -> list[Arrival]:
        """Return an arrival for each event of an entry and each route that it is for.

        Never raises: what is wrong with an event is the flaw of its arrival. An event without one
        is counted as unrouted.
        """
        found: list[Arrival] = []
        name, now = channel(component, topic), datetime.now(UTC)
        table = self._table  # one for all events of the entry
        for event in read_incoming(entry, topic):
            split = _split(table, component, topic, event)
            for one in split.taken:
                self._note(one, now)
                found.append(arrive_by_route(name, event, one))
            if split.unrouted:
                self._unrouted_total += 1
                self._metrics.unrouted_events.labels(name).inc()
                self._keep(_unrouted(name, event, now, split.why))
        return found

    def split(self, component: str, topic: str, event: CloudEvent) -> Split:
        """Return what takes an event, and why other routes leave it."""
        return _split(self._table, component, topic, event)

    def tick(self, route: Route, at: datetime) -> Arrival | None:
        """Return the arrival of a tick of a route; None while the route is paused."""
        event = tick(route, at)
        found = outcome(route, event)
        if isinstance(found, NotMatched):
            return None
        self._note(found, at)
        return arrive_by_route(EVERY, event, found)

    def report(self) -> Routes:
        """Return the routes with their counts, and the last unrouted events."""
        return Routes(
            items=[self._served(route) for route in self.routes],
            digest=digest(self.routes),
            unrouted_total=self._unrouted_total,
            unrouted=list(self._unrouted),
        )

    def _served(self, route: Route) -> ServedRoute:
        seen = self._seen.get(route.name)
        return ServedRoute(
            name=route.name,
            declared=route.place,
            channel=route.spec.channel,
            verb=route.verb,
            workflow=route.workflow,
            since=seen.since if seen else None,
            unchanged_since=seen.unchanged_since if seen else None,
            paused=route.spec.paused,
            spec=route.spec.as_json(),
            matched=self._matched[route.name],
            refused=self._refused[route.name],
            last_matched=self._last.get(route.name),
        )

    def _keep(self, event: UnroutedEvent) -> None:
        """Remember an unrouted event. Of too many, the oldest of the busiest topic is forgotten."""
        self._unrouted.insert(0, event)
        if len(self._unrouted) > KEPT:
            channels = [one.channel for one in self._unrouted][::-1]
            busiest = max(channels, key=channels.count)
            del self._unrouted[-1 - channels.index(busiest)]

    def _note(self, found: Matched | RouteRefused, at: datetime) -> None:
        refused, name = isinstance(found, RouteRefused), found.route.name
        (self._refused if refused else self._matched)[name] += 1
        self._metrics.route_events.labels(name, "refused" if refused else "matched").inc()
        self._last[name] = at


def _split(table: RouteTable, component: str, topic: str, event: CloudEvent) -> Split:
    return table.split(topic, event, None if component in OWN_COMPONENTS else component)


def _unrouted(name: str, event: CloudEvent, at: datetime, why: dict[str, str]) -> UnroutedEvent:
    return UnroutedEvent(
        channel=name, id=event.id, source=event.source, type=event.type, at=at, why=why
    )
