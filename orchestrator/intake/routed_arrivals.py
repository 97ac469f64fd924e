"""Finds what an event of people's own topics asks for: one arrival for each route it matches."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts import redrive
from contracts.cloudevent import CloudEvent
from contracts.expiry import rfc3339
from contracts.routes.channels import OWN_COMPONENTS, channel
from contracts.routes.incoming import read_incoming
from contracts.routes.matching import NotMatched, Outcome, RouteTable
from contracts.routes.route import Route
from orchestrator.intake.arrival import Arrival, arrive_by_route

KEPT = 20
"""How many events that no route matched are remembered."""
BEFORE_ROUTE = "before_route"
"""Why a route leaves an event that is older than the route."""


@dataclass(frozen=True)
class Unrouted:
    """An event that no route matched."""

    channel: str
    event: CloudEvent
    at: datetime
    why: Mapping[str, str]
    """By the name of each route that was asked."""


class Router:
    """The routes that are served, and the last events that none of them matched."""

    def __init__(self, routes: Iterable[Route], since: Mapping[str, datetime]) -> None:
        """`since` has by name the time of each route before which events are not for it."""
        self._table = RouteTable(routes)
        self._since = since
        self.unrouted: deque[Unrouted] = deque(maxlen=KEPT)

    def arrivals(self, component: str, topic: str, entry: bytes) -> list[Arrival]:
        """Return an arrival for each event of an entry and each route that it is for.

        Never raises: what is wrong with an event is the flaw of its arrival. An event without one
        is added to `unrouted`.
        """
        found: list[Arrival] = []
        for event in read_incoming(entry, topic):
            outcomes = self.outcomes(component, topic, event)
            name = channel(component, topic)
            taken = [one for one in outcomes if not isinstance(one, NotMatched)]
            found += [arrive_by_route(name, event, one) for one in taken]
            if not taken:
                why = {one.route.name: one.why for one in outcomes if isinstance(one, NotMatched)}
                self.unrouted.append(Unrouted(name, event, datetime.now(UTC), why))
        return found

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


def _time(event: CloudEvent) -> datetime | None:
    try:
        return rfc3339(event.attributes.get("time"))
    except ValueError:
        return None
