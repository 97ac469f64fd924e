"""Collects the routes of decorators and files, and checks them against the workflows."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from itertools import product
from pathlib import Path

from contracts.fault import Fault
from contracts.routes.channels import OWN_COMPONENTS
from contracts.routes.examples import example_faults, faults_with_input
from contracts.routes.misspelt import misspelt, nearly
from contracts.routes.route import Route, combined
from contracts.routes.routes_file import FILE, read_routes_file
from contracts.topics import OWN_KEYS, PUBSUB, PUBSUB_ORDERED, Topic
from orchestrator.authoring.source import Function
from orchestrator.runs.definition import Definition


def line_of_trigger(function: Function | None) -> Callable[[int], int | None]:
    """Return what finds the line of the n-th trigger in the `on=[...]` of a decorator."""
    lines = [
        element.lineno
        for decorator in (function.decorator_list if function else ())
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
        if keyword.arg == "on" and isinstance(keyword.value, ast.List | ast.Tuple)
        for element in keyword.value.elts
    ]
    otherwise = function.lineno if function else None
    return lambda n: lines[n] if n < len(lines) else otherwise


def all_routes(
    declared: Iterable[Route],
    files: Iterable[Path],
    workflows: Mapping[str, Definition],
    whole: bool = True,
) -> tuple[tuple[Route, ...], list[Fault]]:
    """Return the routes of decorators and of files, and every fault.

    `whole` is false if there may be more workflows, as a file of them could not be imported.
    """
    read = [read_routes_file(file) for file in files]
    found = [*declared, *(route for one in read for route in one.routes)]
    paused = {name: fault for one in read for name, fault in one.paused.items()}
    routes, faults = combined(found, paused)
    if not whole:
        faults = [fault for fault in faults if fault not in paused.values()]
    faults += [fault for one in read for fault in one.faults]
    faults += [fault for route in routes for fault in _faults(route, workflows, whole)]
    faults += _misspelt_keys(routes)
    again = {route.workflow for route in routes if route.spec.again}
    faults += [
        route.fault("again", "all routes that start this workflow by a key have it, or none has")
        for route in routes
        if _starts_by_key(route) and route.workflow in again and not route.spec.again
    ]
    return tuple(routes), faults


@dataclass(frozen=True)
class RouteSources:
    """Where routes are declared: in decorators, which stay, and in files, which may change."""

    declared: tuple[Route, ...] = ()
    folders: tuple[Path, ...] = ()
    """Folders of workflows, each with or without a `routes.yaml`."""
    files: tuple[Path, ...] | None = None
    """Further files. With None, no file is read."""

    def read(
        self, workflows: Mapping[str, Definition], whole: bool = True
    ) -> tuple[tuple[Route, ...], list[Fault]]:
        """Return the routes as they are declared now, and every fault."""
        beside = [folder / FILE for folder in self.folders if (folder / FILE).is_file()]
        files = () if self.files is None else (*beside, *self.files)
        return all_routes(self.declared, files, workflows, whole)


def _starts_by_key(route: Route) -> bool:
    return bool(route.spec.key and (route.spec.start or route.spec.start_or_deliver))


def _misspelt_keys(routes: Iterable[Route]) -> Iterator[Fault]:
    """Find paths of keys that are nearly a path of the key by which another route starts the run.

    A route with an example is left, as that shows what its events have.
    """
    starts = [route for route in routes if _starts_by_key(route)]
    others = [one for one in routes if one not in starts and one.spec.example is None]
    for route, start in product(others, starts):
        for path, known in product(_key_paths(route), _key_paths(start)):
            if route.workflow == start.workflow and nearly(path, known):
                said = f"{'.'.join(path)} is nearly {'.'.join(known)}, by which {start.name} starts"
                yield route.fault("key", f"{said}. If it is right, show an event in `example`")


def _key_paths(route: Route) -> list[tuple[str, ...]]:
    return sorted(route.spec.key.reads.paths) if route.spec.key else []


def _faults(route: Route, workflows: Mapping[str, Definition], whole: bool) -> Iterator[Fault]:
    if message := _taken(route):
        yield route.fault("from", message)
    if route.spec.unmatched:
        return
    definition = workflows.get(route.workflow)
    if definition is None:
        if whole:
            near = get_close_matches(route.workflow, workflows, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield route.fault(route.verb, f"there is no workflow {route.workflow!r}{hint}")
        yield from example_faults(route)
        return
    yield from _misspelt_fields(route, definition)
    made_here = route.spec.input and not route.spec.input.reads.only
    yield from faults_with_input(route, definition.tag.example)
    yield from example_faults(route, partial(definition.parse, tolerant=not made_here))


def _taken(route: Route) -> str | None:
    """Return why a route cannot have its topic."""
    if route.topic in [*Topic] and (route.topic != Topic.COMPLETIONS or route.component):
        said = f"is a topic of Usher's; name one of your own, or {Topic.COMPLETIONS}"
        return f"{route.spec.channel} {said}"
    if (route.topic or "").startswith(OWN_KEYS):
        return f"{route.topic} is a key of Usher's; name a topic of your own"
    if route.component in (PUBSUB, PUBSUB_ORDERED, *OWN_COMPONENTS):
        return f"{route.component} is a component of Usher's; write {route.topic} alone"
    return None


def _misspelt_fields(route: Route, definition: Definition) -> Iterator[Fault]:
    """Find fields of `data` that are nearly fields of the input, where the data is the input.

    An event may have fields that the input lacks. An example shows that it does.
    """
    if route.verb != "start" or route.schedule or route.spec.input:
        return
    schema, example = definition.input_schema(), route.spec.example
    shown = example.get("data") if isinstance(example, Mapping) else None
    for name in ("when", "key", "at"):
        expression = getattr(route.spec, name)
        for path in sorted(expression.reads.paths) if expression else ():
            steps = path[1:] if path[0] == "data" else path[2:] if path[1:2] == ("data",) else ()
            if said := misspelt(steps, schema, shown):
                yield route.fault(name, f"{said} If events have both, show it in `example`")
