"""Tries the example of a route on the route itself: it must match, and give a key and an input."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.cloudevent import CloudEvent
from contracts.events import TICK_TYPE
from contracts.fault import Fault
from contracts.refusal import Refused
from contracts.routes.event_view import EventView, Missing, NotEvaluated, kind_of, walk
from contracts.routes.expression import TYPES_DO_NOT_FIT, Expression
from contracts.routes.grammar import Path
from contracts.routes.matching import Matched, NotMatched, outcome
from contracts.routes.route import Route

_OWN = ("id", "source", "type", "specversion", "datacontenttype", "data")


def tick(route: Route, at: datetime) -> CloudEvent:
    """Return the event of a tick of a schedule: the same for the same tick, wherever it is made.

    `data.at` is the time as the clocks of the schedule's time zone show it.
    """
    moment, local = at.isoformat(), at.astimezone(ZoneInfo(route.spec.timezone))
    data = json.dumps({"at": local.isoformat()}).encode()
    return CloudEvent(
        f"{route.name}/{moment}", "/usher/every", TICK_TYPE, data, attributes={"time": moment}
    )


def example_faults(
    route: Route, parse_input: Callable[[Any], Any] | None = None
) -> Iterator[Fault]:
    """Find what is wrong with the example; `parse_input` raises `Refused` for a wrong input.

    A route with a schedule has no example; its input is tried on a tick.
    """
    if route.schedule:
        event: CloudEvent | None = tick(route, datetime.fromisoformat("2030-01-31T08:00:00+00:00"))
    elif route.spec.example is None:
        return
    else:
        event = _event(route.spec.example)
    if event is None:
        said = 'an example is an event, such as {"type": "com.acme.moved", "data": {}}'
        yield route.fault("example", said)
        return
    found = outcome(route, event)
    what = "input" if route.schedule else "example"
    if isinstance(found, NotMatched):
        if found.why != "paused":
            yield route.fault(what, f"it does not match: {found.why}")
        return
    try:
        if not isinstance(found, Matched):
            raise found.refused
        if parse_input and (route.spec.start or route.spec.start_or_deliver):
            parse_input(found.input)
    except Refused as refused:
        yield route.fault(what, str(refused))


def faults_with_input(route: Route, data: Any) -> Iterator[Fault]:
    """Find expressions that cannot work with `data`, an input of the workflow.

    It is for routes without an example whose input is the data of the event. Only types are
    judged, of fields that `data` has: an event may have more, and other values. A whole number may
    stand for a fraction.
    """
    spec = route.spec
    if not spec.start or spec.input or route.schedule or spec.example is not None:
        return
    for name in ("when", "key"):
        expression: Expression | None = getattr(spec, name)
        if expression is None or not all(_has(data, path) for path in expression.reads.paths):
            continue
        tried = [_type_fault(expression, one) for one in (data, _fractions(data))]
        if all(tried):
            said = f"{tried[0]}, in the example of {route.workflow}"
            yield route.fault(name, f"{said}. If events differ, show one in `example`")


def _has(data: Any, path: Path) -> bool:
    return path[0] == "data" and walk(data, path[1:], None) is not None


def _type_fault(expression: Expression, data: Any) -> str | None:
    """Return why an expression fails on the types of data; None if it does not."""
    if expression.reads.only:
        found = walk(data, expression.reads.only[1:])
        return f"{expression.text} is {kind_of(found)}" if isinstance(found, dict | list) else None
    try:
        expression.evaluate(EventView(CloudEvent("e", "/example", "", json.dumps(data).encode())))
    except NotEvaluated as error:
        return error.message if error.message.startswith(TYPES_DO_NOT_FIT) else None
    except (Missing, Refused, TypeError, ValueError):  # also where the example is no JSON
        return None
    return None


def _fractions(data: Any) -> Any:
    """Return data with fractions in place of whole numbers."""
    if isinstance(data, dict):
        return {name: _fractions(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_fractions(value) for value in data]
    return float(data) if isinstance(data, int) and not isinstance(data, bool) else data


def _event(example: Any) -> CloudEvent | None:
    if not isinstance(example, Mapping) or "data" not in example:
        return None
    return CloudEvent(
        id=str(example.get("id", "example")),
        source=str(example.get("source", "/example")),
        type=str(example.get("type", "")),
        body=json.dumps(example["data"]).encode(),
        attributes={name: v for name, v in example.items() if name not in _OWN},
    )
