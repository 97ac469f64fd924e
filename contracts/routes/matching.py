"""Matches events with routes. No outcome is silent: each route that is asked gives one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.expiry import rfc3339
from contracts.keys import instance_id_for, key_text
from contracts.refusal import Refused
from contracts.routes.event_view import EventView, Missing, NotEvaluated
from contracts.routes.expression import Expression
from contracts.routes.route import Route
from contracts.topics import PUBSUB


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

    def __init__(self, routes: Iterable[Route], default_component: str = PUBSUB) -> None:
        self._default = default_component
        self._by_type: dict[tuple[str, str, str], list[Route]] = {}
        """Routes with an exact type."""
        self._others: dict[tuple[str, str], list[Route]] = {}
        """Routes with a pattern, or with no type."""
        self.routes = tuple(route for route in routes if route.topic)
        for route in self.routes:
            channel = (route.component or default_component, route.topic or "")
            wanted = route.spec.type
            if wanted and not wanted.endswith("*"):
                self._by_type.setdefault((*channel, wanted), []).append(route)
            else:
                self._others.setdefault(channel, []).append(route)

    def match(self, topic: str, event: CloudEvent, component: str | None = None) -> list[Outcome]:
        """Return the outcome of each route that listens to the topic and type of an event.

        If none of them is `Matched` or `RouteRefused`, the event is unrouted.
        """
        channel = (component or self._default, topic)
        exact = self._by_type.get((*channel, event.type), ())
        return [outcome(route, event) for route in (*exact, *self._others.get(channel, ()))]

    def explain(self, topic: str, event: CloudEvent, component: str | None = None) -> list[Outcome]:
        """Return the outcome of every route, also of those for other topics and types."""
        found: list[Outcome] = []
        for route in self.routes:
            there = (route.component or self._default, route.topic)
            same = there == (component or self._default, topic)
            found.append(outcome(route, event) if same else NotMatched(route, "topic"))
        return found


def outcome(route: Route, event: CloudEvent) -> Outcome:
    """Return what a route of the event's topic makes of the event."""
    spec = route.spec
    if spec.paused:
        return NotMatched(route, "paused")
    for name, wanted in route.wanted:
        if not _fits(wanted, _attribute(event, name)):
            return NotMatched(route, name)
    try:
        view = EventView.of(event)
        if why := _condition(spec.when, view):
            return NotMatched(route, why)
        key = _key(spec.key, view) if spec.key else None
        return Matched(
            route,
            key,
            instance_id_for(route.workflow, key) if key else None,
            input=_payload(route, "input", spec.input, view)
            if spec.start or spec.start_or_deliver
            else None,
            data=_payload(route, "data", spec.data, view)
            if spec.deliver or spec.start_or_deliver
            else None,
            start_at=_time(spec.at, view) if spec.at else None,
        )
    except Refused as refused:
        return RouteRefused(route, refused)


def _attribute(event: CloudEvent, name: str) -> Any:
    return event.attributes.get(name) if name == "subject" else getattr(event, name)


def _fits(wanted: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted


def _condition(when: Expression | None, view: EventView) -> str | None:
    """Return why a condition does not hold; None if it does."""
    if when is None:
        return None
    try:
        found = when.evaluate(view)
    except Missing as missing:
        return f"when: {missing}"
    except NotEvaluated as error:
        raise _failed("when", when, error.message, error.field) from error
    if not isinstance(found, bool):
        raise _failed("when", when, f"gives {found!r}, not true or false")
    return None if found else "when is false"


def _key(expression: Expression, view: EventView) -> str:
    try:
        return key_text(expression.evaluate(view))
    except Missing as missing:
        raise _failed("key", expression, str(missing), missing.path, Reason.NO_KEY) from missing
    except NotEvaluated as error:
        raise _failed("key", expression, error.message, error.field, Reason.NO_KEY) from error
    except ValueError as error:
        raise _failed("key", expression, str(error), reason=Reason.NO_KEY) from error


def _payload(route: Route, name: str, expression: Expression | None, view: EventView) -> Any:
    if expression is None:
        return None if route.schedule else view.data
    return _evaluated(name, expression, view)


def _evaluated(name: str, expression: Expression, view: EventView) -> Any:
    try:
        return expression.evaluate(view)
    except Missing as missing:
        raise _failed(name, expression, str(missing), missing.path) from missing
    except NotEvaluated as error:
        raise _failed(name, expression, error.message, error.field) from error


def _time(expression: Expression, view: EventView) -> str:
    value = _evaluated("at", expression, view)
    try:
        return rfc3339(value).isoformat()
    except ValueError as error:
        raise _failed("at", expression, f"gives {value!r}, which is no time") from error


def _failed(
    name: str,
    expression: Expression,
    message: str,
    at: str | None = None,
    reason: Reason = Reason.ROUTE_CONDITION,
) -> Refused:
    """Return the refusal for an expression of a route, which names the expression."""
    only = ".".join(expression.reads.only) if expression.reads.only else None
    return Refused(reason, f"{name} `{expression.text}`: {message}", at or only)
