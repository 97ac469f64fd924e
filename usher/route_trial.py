"""Tries recorded events on routes, offline: which match, and what other routes would change."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.cloudevent import CloudEvent
from contracts.fault import Fault
from contracts.routes.examples import example_faults
from contracts.routes.incoming import read_incoming
from contracts.routes.matching import Matched, NotMatched, Outcome, RouteTable
from contracts.routes.route import Route, declared
from contracts.routes.routes_file import read_routes_file
from usher.errors import BadInput, CommandError

_SECONDS = 120


@dataclass(frozen=True)
class Declared:
    """The routes that were found, or what is wrong with them."""

    routes: tuple[Route, ...]
    faults: tuple[Fault, ...]


def find_routes(place: Path | None) -> Declared:
    """Return the routes of a folder or file; without one, those that the orchestrator would serve.

    Workflow files are imported, in a process of its own. A file is read alone: whether there are
    such workflows, and what input they take, is not known then.
    """
    if place and not place.exists():
        raise BadInput(f"There is no {place}.")
    if place and place.is_file():
        read = read_routes_file(place)
        tried = [fault for route in read.routes for fault in example_faults(route)]
        wrong = (*read.faults, *tried)
        return Declared(() if wrong else tuple(read.routes), wrong)
    given = [str(place)] if place else []
    # -P: no module of the present folder stands in for one of ours.
    command = [sys.executable, "-P", "-m", "orchestrator.authoring", *given]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=_SECONDS)
        answer = json.loads(ran.stdout)
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"The workflow files were not read within {_SECONDS} s.") from error
    except ValueError as error:
        said = ran.stderr.decode(errors="replace").strip()[-2000:]
        raise CommandError("The workflow files cannot be read.", said) from error
    routes = []
    for one in answer["routes"]:
        lines = {"": one["line"]} if one["line"] else {}
        route, _ = declared(one["name"], Path(one["file"]), one["says"], lines)
        routes += [route] if route else []
    faults = (Fault(Path(one["file"]), one["message"], one["line"]) for one in answer["faults"])
    return Declared(tuple(routes), tuple(faults))


def usable_routes(place: Path | None) -> tuple[Route, ...]:
    """Return the routes of a place; raise `CommandError` with every fault."""
    found = find_routes(place)
    if found.faults:
        raise CommandError("\n".join(["The routes cannot be served.", *map(str, found.faults)]))
    return found.routes


@dataclass(frozen=True)
class Recorded:
    """An event that was recorded: the line of its file, and the topic it was on."""

    line: int
    topic: str
    component: str | None
    event: CloudEvent


def read_recorded(file: Path, topic: str | None) -> Iterator[Recorded]:
    """Yield the events of a file of JSON lines.

    A line is a message as it is on a topic, or `{"headers": {"ce_id": …}, "body": …}` for one with
    its attributes in headers. Dapr writes `topic` into its events; `topic` here is for all others.
    Raises `BadInput`, which names the line.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise BadInput(f"{file} cannot be read.", str(error)) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        body, headers = _message(line)
        for event in read_incoming(body, topic or "", headers):
            on = topic or event.attributes.get("topic")
            if not isinstance(on, str) or not on:
                why = "Name the topic with --topic; this event has none."
                raise BadInput(f"{file}:{number}: no topic.", why)
            yield Recorded(number, on, event.attributes.get("pubsubname"), event)


def _message(line: bytes) -> tuple[bytes, dict[str, str]]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return line, {}
    headers = found.get("headers") if isinstance(found, dict) and "body" in found else None
    if not isinstance(headers, Mapping) or not any(n[:3] in ("ce_", "ce-") for n in headers):
        return line, {}
    body = found["body"]
    content = body if isinstance(body, str) else json.dumps(body)
    return content.encode(), {name: str(value) for name, value in headers.items()}


def outcomes(table: RouteTable, one: Recorded) -> list[dict[str, Any]]:
    """Return what the routes make of an event, as JSON: those of its topic and type.

    If none of them takes it, every route says why not.
    """
    named = {route.component for route in table.routes}
    component = one.component if one.component in named else None
    found = [as_json(each) for each in table.match(one.topic, one.event, component)]
    if effects(found):
        return found
    return [as_json(each) for each in table.explain(one.topic, one.event, component)]


def as_json(found: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON."""
    route = found.route
    told = {"route": route.name, "verb": route.verb, "workflow": route.workflow}
    if isinstance(found, NotMatched):
        return {**told, "outcome": "not_matched", "why": found.why}
    if isinstance(found, Matched):
        said = {"key": found.key, "instance_id": found.instance_id, "start_at": found.start_at}
        return {**told, "outcome": "matched", **said, "input": found.input, "data": found.data}
    why = found.refused
    refused = {"reason": why.reason.value, "field": why.field, "message": why.message}
    return {**told, "outcome": "refused", **refused}


def effects(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the outcomes that do something: all but those that do not match."""
    return [one for one in found if one["outcome"] != "not_matched"]
