"""Reads `routes.yaml`: the routes in it, or every fault with its line.

YAML is read as its core schema has it: `no`, `12:30` and times are text. Anchors, aliases and tags
are refused, so a file holds no more than its text. Nothing in it can construct an object.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from contracts.fault import Fault
from contracts.routes.route import Route, declared
from contracts.routes.spec import FIELDS

FILE = "routes.yaml"
"""The name of the file in a folder of workflows."""
MAX_BYTES = 256 * 1024
MAX_DEPTH = 32

_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass
class RoutesRead:
    """What a file holds: routes, routes of decorators that it pauses, and what is wrong."""

    routes: list[Route] = field(default_factory=list)
    """Those with faults lack the fields at fault."""
    paused: dict[str, Fault] = field(default_factory=dict)
    """By name the fault if no decorator declares such a route."""
    faults: list[Fault] = field(default_factory=list)


def read_routes_file(file: Path) -> RoutesRead:
    """Read a file. What is wrong with it is among the faults; nothing is raised."""
    found = RoutesRead()
    try:
        text = file.read_bytes()
        if len(text) > MAX_BYTES:
            raise _Wrong(f"{len(text):,} bytes; the limit is {MAX_BYTES:,}")
        _refuse_references(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        for name, line, node in _members(root) if root and root.value != "" else ():
            _entry(found, file, name, line, node)
    except OSError as error:
        found.faults.append(Fault(file, f"cannot be read: {error.strerror}"))
    except _Wrong as wrong:
        found.faults.append(Fault(file, wrong.message, wrong.line))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        said = error.problem or "this is no YAML"
        hint = "; quote a text that begins with *" if "alias" in said else ""
        hint = "; quote a text that has `: `, or indent this line" if "mapping v" in said else hint
        found.faults.append(Fault(file, f"not YAML: {said}{hint}", mark.line + 1 if mark else None))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        found.faults.append(Fault(file, f"not YAML: {str(error).partition(chr(10))[0]}"))
    return found


class _Wrong(Exception):
    def __init__(self, message: str, mark: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = mark.line + 1 if mark else None


def _refuse_references(text: bytes) -> None:
    """Raise for what makes a file hold more than its text, before anything is composed."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            said = "aliases are not read; quote a text that begins with *"
            raise _Wrong(said, event.start_mark)
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            said = "anchors and tags are not read; quote a text that begins with & or !"
            raise _Wrong(said, event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > MAX_DEPTH:
            raise _Wrong(f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        if documents > 1:
            raise _Wrong("a second document; put all routes into the first", event.start_mark)


def _entry(found: RoutesRead, file: Path, name: str, line: int, node: yaml.Node) -> None:
    """Read one route, or a pause."""
    if not isinstance(node, yaml.MappingNode) and name in FIELDS:
        said = f"{name} is a field of a route: indent it below the route's name"
        found.faults.append(Fault(file, said, line))
        return
    if not node.value and isinstance(node, yaml.ScalarNode):
        said = f"{name}: a route has fields: indent them below its name"
        found.faults.append(Fault(file, said, line))
        return
    try:
        members = list(_members(node))
        given = {field: _value(inner) for field, _, inner in members}
    except _Wrong as wrong:
        found.faults.append(Fault(file, f"{name}: {wrong.message}", wrong.line or line))
        return
    if "/" in name and given.keys() == {"paused"} and isinstance(given["paused"], bool):
        if given["paused"]:
            missing = f"{name}: no decorator declares a route of this name"
            found.paused[name] = Fault(file, missing, line)
        return
    if "/" in name:
        said = "a decorator declares this route; a file may only say `paused: true` of it"
        found.faults.append(Fault(file, f"{name}: {said}", line))
        return
    lines = {"": line} | {field: at for field, at, _ in members}
    route, faults = declared(name, file, given, lines)
    found.routes += [route] if route else []
    found.faults += faults


def _members(node: yaml.Node) -> Iterator[tuple[str, int, yaml.Node]]:
    """Yield the members of a mapping with their lines."""
    if not isinstance(node, yaml.MappingNode):
        raise _Wrong("write `name: value` lines here", node.start_mark)
    lines: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _Wrong("a name is a text", key.start_mark)
        if key.value in lines:
            said = f"{key.value} is given twice, first in line {lines[key.value]}"
            raise _Wrong(said, key.start_mark)
        lines[key.value] = key.start_mark.line + 1
        yield key.value, lines[key.value], value


def _value(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {name: _value(inner) for name, _, inner in _members(node)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(inner) for inner in node.value]
    text = str(node.value)
    if getattr(node, "style", None) is not None:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
