"""Finds what an event of people's own topics asks for: one arrival for each route it matches."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from contracts import redrive
from contracts.cloudevent import CloudEvent
from contracts.expiry import rfc3339
from contracts.routes.channels import OWN_COMPONENTS, channel
from contracts.routes.examples import tick
from contracts.routes.incoming import read_incoming
from contracts.routes.matching import (
    Matched,
    NotMatched,
    Outcome,
    RouteRefused,
    RouteTable,
    outcome,
)
from contracts.routes.route import Route
from contracts.served_routes import Routes, ServedRoute, UnroutedEvent
from orchestrator.intake.arrival import Arrival, arrive_by_route

EVERY = "every"
"""What logs, metrics and dead letters name in place of the topic of a tick."""
KEPT = 20
"""How many events that no route is for are remembered."""
BEFORE_ROUTE = "before_route"
"""Why a route leaves an event that is older than the route."""


class Router:
    """The routes that are served, and what they made of the events of this process."""

    def __init__(self, routes: Iterable[Route], since: Mapping[str, datetime]) -> None:
        """`since` has by name the time of each route before which events are not for it."""
        self._routes = tuple(routes)
        self._table = RouteTable(self._routes)
        self._since = since
        self._matched: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._last: dict[str, datetime] = {}
        self._unrouted: deque[UnroutedEvent] = deque(maxlen=KEPT)
        self._unrouted_total = 0

    @property
    def names(self) -> list[str]:
        """The names of the routes."""
        return [route.name for route in self._routes]

    def arrivals(self, component: str, topic: str, entry: bytes) -> list[Arrival]:
        """Return an arrival for each event of an entry and each route that it is for.

        Never raises: what is wrong with an event is the flaw of its arrival. An event without one
        is counted as unrouted.
        """
        found: list[Arrival] = []
        name, now = channel(component, topic), datetime.now(UTC)
        for event in read_incoming(entry, topic):
            why: dict[str, str] = {}
            for one in self.outcomes(component, topic, event):
                if isinstance(one, NotMatched):
                    why[one.route.name] = one.why
                    continue
                self._note(one, now)
                found.append(arrive_by_route(name, event, one))
            if not found:
                self._unrouted_total += 1
                self._unrouted.appendleft(_unrouted(name, event, now, why))
        return found

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
        items = [
            ServedRoute(
                name=route.name,
                declared=route.place,
                channel=route.spec.channel,
                verb=route.verb,
                workflow=route.workflow,
                since=self._since.get(route.name),
                paused=route.spec.paused,
                matched=self._matched[route.name],
                refused=self._refused[route.name],
                last_matched=self._last.get(route.name),
                spec=route.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            )
            for route in self._routes
        ]
        return Routes(
            items=items, unrouted_total=self._unrouted_total, unrouted=list(self._unrouted)
        )

    def _note(self, found: Matched | RouteRefused, at: datetime) -> None:
        counts = self._refused if isinstance(found, RouteRefused) else self._matched
        counts[found.route.name] += 1
        self._last[found.route.name] = at

    def outcomes(self, component: str, topic: str, event: CloudEvent) -> list[Outcome]:
        """Return what each route that listens to this topic and type makes of an event."""
        asked = None if component in OWN_COMPONENTS else component
        outcomes = self._table.match(topic, event, asked)
        if only := event.attributes.get(redrive.ROUTE):
            outcomes = [one for one in outcomes if one.route.name == only]
        time = _time(event)
        return [
            NotMatched(one.route, BEFORE_ROUTE)
            if time and time < self._since.get(one.route.name, time)
            else one
            for one in outcomes
        ]


def _unrouted(name: str, event: CloudEvent, at: datetime, why: dict[str, str]) -> UnroutedEvent:
    return UnroutedEvent(
        channel=name, id=event.id, source=event.source, type=event.type, at=at, why=why
    )


def _time(event: CloudEvent) -> datetime | None:
    try:
        return rfc3339(event.attributes.get("time"))
    except ValueError:
        return None
