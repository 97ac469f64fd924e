"""Events and routes for tests."""

import json
from pathlib import Path
from typing import Any

from contracts.cloudevent import CloudEvent
from contracts.routes.route import Route, declared
from contracts.routes.spec import VERBS

PLACE = Path("routes.yaml")


def event(data: Any = None, type: str = "placed", **attributes: Any) -> CloudEvent:  # noqa: A002
    """Return an event with JSON data."""
    return CloudEvent("e-1", "/shop", type, json.dumps(data).encode(), attributes=attributes)


def route(name: str = "r", **fields: Any) -> Route:
    """Return a route of the topic `orders` that starts `w`, but for these fields."""
    given = {"from": "orders"} | ({} if {*VERBS} & fields.keys() else {"start": "w"})
    found, faults = declared(name, PLACE, {**given, **fields}, {"": 1})
    assert found, faults
    return found
