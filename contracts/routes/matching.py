"""Matches events with routes. No outcome is silent: each route that is asked gives one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from contracts import redrive
from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.expiry import rfc3339
from contracts.keys import instance_id_for
from contracts.refusal import Refused
from contracts.routes.depth import MAX_DEPTH, depth_of_run
from contracts.routes.evaluation import condition, key_of, payload, time_at
from contracts.routes.event_view import EventView
from contracts.routes.route import Route
from contracts.topics import PUBSUB

BEFORE_ROUTE = "before_route"
"""Why a route leaves an event that is older than the route."""
STARTS = ("start", "start_or_deliver")
"""The verbs of routes that start workflows."""
_MOST_NAMED = 5
"""How many routes a dead letter names that are not for its event."""


@dataclass(frozen=True)
class Matched:
    """The route takes the event: what it does to which instance, with what."""

    route: Route
    key: str | None
    """The text of the key; None if the route has none, so that the event names the instance."""
    instance_id: str | None
    """The id of the instance of the key."""
    input: Any = None
    """The input of a start, as JSON data."""
    data: Any = None
    """What is delivered, as JSON data."""
    start_at: str | None = None
    """The time of `at`, in RFC 3339."""


@dataclass(frozen=True)
class NotMatched:
    """The event is not for this route, which is no fault."""

    route: Route
    why: str


@dataclass(frozen=True)
class RouteRefused:
    """The event is for this route, but cannot be served by it: a dead letter."""

    route: Route
    refused: Refused


Outcome = Matched | NotMatched | RouteRefused


class RouteTable:
    """All routes for events, found by component, topic and type."""

    def __init__(
        self,
        routes: Iterable[Route],
        since: Mapping[str, datetime] | None = None,
        default_component: str = PUBSUB,
    ) -> None:
        """`since` has by name the time of each route before which events are not for it."""
        self._default = default_component
        self._since = since or {}
        self._by_type: dict[tuple[str, str, str], list[Route]] = {}
        """Routes with an exact type."""
        self._others: dict[tuple[str, str], list[Route]] = {}
        """Routes with a pattern, or with no type."""
        self._of_type: dict[tuple[str, str], dict[str, str]] = {}
        """By topic and name why a route with an exact type leaves events of all other types."""
        self._unmatched: dict[tuple[str, str], Route] = {}
        """By topic what becomes of events that no other route is for."""
        self.routes = tuple(route for route in routes if route.topic)
        for route in self.routes:
            channel = (route.component or default_component, route.topic or "")
            wanted = route.spec.type
            if route.spec.unmatched:
                self._unmatched[channel] = route
            elif wanted and not wanted.endswith("*"):
                self._by_type.setdefault((*channel, wanted), []).append(route)
                why = "paused" if route.spec.paused else _looks_for("type", wanted)
                self._of_type.setdefault(channel, {})[route.name] = why
            else:
                self._others.setdefault(channel, []).append(route)

    def match(self, topic: str, event: CloudEvent, component: str | None = None) -> list[Outcome]:
        """Return the outcome of each route that listens to the topic and type of an event.

        A redriven event is for the route of its dead letter alone, if a route was for it. If none
        takes the event, the outcome of the route for unmatched events is among them.
        """
        channel = (component or self._default, topic)
        asked = (*self._by_type.get((*channel, event.type), ()), *self._others.get(channel, ()))
        unmatched, only = self._unmatched.get(channel), self._only(channel, event)
        found = [self._outcome(one, topic, event) for one in asked if not only or one.name == only]
        if unmatched and all(isinstance(one, NotMatched) for one in found):
            found.append(self._of_unmatched(unmatched, event, self._why(found, channel, event)))
        return found

    def _only(self, channel: tuple[str, str], event: CloudEvent) -> str | None:
        """Return the name of the route that a redriven event is for; None if it is for all."""
        unmatched, only = self._unmatched.get(channel), event.attributes.get(redrive.ROUTE)
        return None if unmatched and unmatched.name == only else only

    def _why(
        self, found: list[Outcome], channel: tuple[str, str], event: CloudEvent
    ) -> dict[str, str]:
        """Return why each route of a topic leaves an event, those that were asked first."""
        asked = {one.route.name: one.why for one in found if isinstance(one, NotMatched)}
        if self._only(channel, event):
            return asked
        known, others = {one.route.name for one in found}, self._of_type.get(channel, {})
        return asked | {name: why for name, why in others.items() if name not in known}

    def split(self, topic: str, event: CloudEvent, component: str | None = None) -> "Split":
        """Return what takes an event, and why other routes leave it."""
        found = self.match(topic, event, component)
        taken = [one for one in found if not isinstance(one, NotMatched)]
        channel = (component or self._default, topic)
        return Split(taken, partial(self._why, found, channel, event))

    def explain(self, topic: str, event: CloudEvent, component: str | None = None) -> list[Outcome]:
        """Return the outcome of every route, also of those for other topics and types."""
        found: list[Outcome] = []
        for route in self.routes:
            there = (route.component or self._default, route.topic)
            same = there == (component or self._default, topic)
            found.append(outcome(route, event) if same else NotMatched(route, "topic"))
        return found

    def _of_unmatched(self, route: Route, event: CloudEvent, why: dict[str, str]) -> Outcome:
        """Return what becomes of an event that no route takes."""
        if route.spec.paused:
            return NotMatched(route, "paused")
        if BEFORE_ROUTE in why.values():
            return NotMatched(route, BEFORE_ROUTE)
        said = "".join(f"; {name}: {told}" for name, told in islice(why.items(), _MOST_NAMED))
        message = f"no route of {route.spec.channel} is for it, of type {event.type[:200]!r}{said}"
        refused = event.flaw or Refused(Reason.UNROUTED, message)
        return self._not_before(RouteRefused(route, refused), event)

    def _outcome(self, route: Route, topic: str, event: CloudEvent) -> Outcome:
        found = outcome(route, event)
        if isinstance(found, Matched) and route.verb in STARTS:
            found = _unless_loop(found, topic, event)
        return found if isinstance(found, NotMatched) else self._not_before(found, event)

    def _not_before(self, found: "Matched | RouteRefused", event: CloudEvent) -> Outcome:
        """Return the outcome, unless the event is older than its route. A redrive is not."""
        since, time = self._since.get(found.route.name), _time_of(event)
        old = since and time and time < since and redrive.EXTENSION not in event.attributes
        return NotMatched(found.route, BEFORE_ROUTE) if old else found


class Split(NamedTuple):
    """The routes that an event is for, and why the others of its topic leave it.

    A route for unmatched events is among `taken` if no other route is.
    """

    taken: list[Matched | RouteRefused]
    reasons: Callable[[], dict[str, str]]

    @property
    def why(self) -> dict[str, str]:
        """The reason of each route that leaves the event, by name. Made only when asked for."""
        return self.reasons()

    @property
    def unrouted(self) -> bool:
        """Whether no route is for the event."""
        return all(one.route.spec.unmatched for one in self.taken)


def outcome(route: Route, event: CloudEvent) -> Outcome:
    """Return what a route of the event's topic makes of the event."""
    spec = route.spec
    if spec.paused:
        return NotMatched(route, "paused")
    if spec.unmatched:
        return NotMatched(route, "it is for events that no route is for")
    for name, wanted in route.wanted:
        if not _fits(wanted, _attribute(event, name)):
            return NotMatched(route, _looks_for(name, wanted))
    try:
        view = EventView.of(event)
        if why := condition(spec.when, view):
            return NotMatched(route, why)
        key = key_of(spec.key, view) if spec.key else None
        return Matched(
            route,
            key,
            instance_id_for(route.workflow, key) if key else None,
            input=payload(route, "input", spec.input, view)
            if spec.start or spec.start_or_deliver
            else None,
            data=payload(route, "data", spec.data, view)
            if spec.deliver or spec.start_or_deliver
            else None,
            start_at=time_at(spec.at, view) if spec.at else None,
        )
    except Refused as refused:
        return RouteRefused(route, refused)


def _unless_loop(found: Matched, topic: str, event: CloudEvent) -> Matched | RouteRefused:
    """Return the outcome, unless too many completion events led to the start."""
    if depth_of_run(topic, event) <= MAX_DEPTH:
        return found
    message = (
        f"{MAX_DEPTH} completion events, one after the other, led to this start of "
        f"{found.route.workflow}: let `when` of {found.route.name} end the circle"
    )
    return RouteRefused(found.route, Refused(Reason.LOOP, message))


def _looks_for(name: str, wanted: str) -> str:
    return f"{name}: it looks for {wanted}"


def _time_of(event: CloudEvent) -> datetime | None:
    try:
        return rfc3339(event.attributes.get("time"))
    except ValueError:
        return None


def _attribute(event: CloudEvent, name: str) -> Any:
    return event.attributes.get(name) if name == "subject" else getattr(event, name)


def _fits(wanted: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted
