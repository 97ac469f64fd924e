"""The part of the document about people's own topics: an operation for each route.

Routes that look for the same type, source and subject share a message, as each message of a topic
should be of one kind only.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from contracts.routes import grammar
from contracts.served_routes import ServedRoute
from starter.asyncapi.draft import Draft, Json
from starter.asyncapi.messages import code, payload
from starter.asyncapi.schemas import Schema, refers

ATTRIBUTES = ("type", "source", "subject")
_DOES = {
    "start": "Starts {}.",
    "deliver": "Delivers the event {} to an instance of {}.",
    "start_or_deliver": "Delivers the event {} to an instance of {}, and starts it if need be.",
    "cancel": "Terminates an instance of {}.",
    "suspend": "Suspends an instance of {}.",
    "resume": "Resumes an instance of {}.",
}
Kind = tuple[str, ...]


class StartData(NamedTuple):
    """The data of an event that starts a workflow with them: their schema, and an example."""

    schema: Schema
    example: Any


def add_routes(
    draft: Draft, routes: Iterable[ServedRoute], inputs: Mapping[str, StartData]
) -> None:
    """Add the channels, messages and operations of routes, in the order of channels and names."""
    kinds: dict[Kind, list[ServedRoute]] = {}
    for route in sorted(routes, key=lambda route: str(route.channel)):
        looked_for = (str(route.spec.get(name) or "") for name in ATTRIBUTES)
        kinds.setdefault((str(route.channel), *looked_for), []).append(route)
    for kind, sharing in kinds.items():
        channel = draft.channel(kind[0], "A topic that routes name.")
        identity = (kind[0], kind[1] or "any", *kind[2:])
        message = draft.message(channel, identity, _message(draft, kind, sharing, inputs))
        for route in sharing:
            more = {
                "summary": _does(route),
                "description": _description(route),
                "messages": [message],
                "x-route": _shown(route),
            }
            draft.operation(route.name, "receive", channel, more)


def _message(
    draft: Draft, kind: Kind, routes: list[ServedRoute], inputs: Mapping[str, StartData]
) -> Json:
    channel, *looked_for = kind
    attributes = dict(zip(ATTRIBUTES, looked_for, strict=True))
    described = [f"- {code(route.name)}: {_does(route)}" for route in routes]
    starts = [inputs[name] for name in sorted(_starts(routes) & inputs.keys())]
    examples = [one for route in routes for one in _examples(route)]
    examples = examples or [one for start in starts for one in _made(attributes, start.example)]
    return {
        "name": attributes["type"] or "any",
        "title": attributes["type"] or f"Any event on {channel}",
        "summary": _looks_for(attributes),
        "description": "\n".join(described),
        "payload": payload(draft.envelope, attributes, _data(routes, starts)),
        **({"examples": examples} if examples else {}),
    }


def _starts(routes: Iterable[ServedRoute]) -> set[str]:
    """Return the workflows whose input is the data."""
    return {one.workflow for one in routes if one.verb == "start" and "input" not in one.spec}


def _data(routes: Iterable[ServedRoute], starts: Iterable[StartData]) -> Schema | bool:
    """Return the schema of the data: that of the input, where the data is the input.

    Else it has the path of each key.
    """
    found = [one.schema for one in starts]
    if not found:
        for route in routes:
            needed = _needed(str(route.spec.get("key", "")))
            if needed is None:
                return True
            found += [needed] if needed not in found else []
    return found[0] if len(found) == 1 else {"anyOf": found} if found else True


def _needed(key: str) -> Schema | None:
    """Return the schema of data that have a key; None if the key is not a path into the data."""
    try:
        path = grammar.read(key).only or ()
    except ValueError:
        return None
    if path[:1] != ("data",) or len(path) == 1 or "$ref" in path:
        return None
    schema: Schema = {}
    for step in reversed(path[1:]):
        within = {"properties": {step: schema}} if schema else {}
        schema = {"type": "object", "required": [step], **within}
    return schema


def _does(route: ServedRoute) -> str:
    event = [code(str(route.spec["event"]))] if "event" in route.spec else []
    does = _DOES.get(route.verb, f"{route.verb}: {{}}").format(*event, code(route.workflow))
    return f"Paused. {does}" if route.paused else does


def _looks_for(attributes: Mapping[str, str]) -> str:
    given = [f"{name} {code(value)}" for name, value in attributes.items() if value]
    return f"Events of {', '.join(given)}." if given else "Events of any type."


def _description(route: ServedRoute) -> str:
    shown = {name: value for name, value in _shown(route).items() if name != "paused"}
    return "\n".join(f"- {name}: {code(str(value))}" for name, value in shown.items())


def _shown(route: ServedRoute) -> dict[str, Any]:
    """Return the fields of a route, without its example, which the message has."""
    return {name: value for name, value in route.spec.items() if name != "example"}


def _made(attributes: Mapping[str, str], data: Any) -> list[Json]:
    """Return an example of the event, with the example of a workflow as its data."""
    if data is None or refers(data):
        return []
    head = {"specversion": "1.0", "id": "example", "source": "/example", "type": "example"}
    given = {name: value.replace("*", "example") for name, value in attributes.items() if value}
    return [{"payload": {**head, **given, "data": data}}]


def _examples(route: ServedRoute) -> list[Json]:
    """Return the example of a route, with the attributes that it left out."""
    example = route.spec.get("example")
    if not isinstance(example, dict) or refers(example):
        return []
    head = {"specversion": "1.0", "id": "example", "source": "/example", "type": "example"}
    return [{"name": route.name, "payload": {**head, **example}}]
