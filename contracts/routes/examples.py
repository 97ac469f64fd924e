"""Tries the example of a route on the route itself: it must match, and give a key and an input."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.cloudevent import CloudEvent
from contracts.fault import Fault
from contracts.refusal import Refused
from contracts.routes.matching import Matched, NotMatched, outcome
from contracts.routes.route import Route

_OWN = ("id", "source", "type", "specversion", "datacontenttype", "data")
TICK_TYPE = "usher.tick.v1"


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
