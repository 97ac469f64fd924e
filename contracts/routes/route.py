"""A route: what it says, its name, and the line where it is declared."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from contracts.authoring import WorkflowTag
from contracts.fault import Fault
from contracts.routes.schedule import Schedule
from contracts.routes.spec import NAME, VERBS, RouteSpec, read_partly, read_spec
from contracts.routes.triggers import Trigger


@dataclass(frozen=True)
class Route:
    """A route that can be served."""

    name: str
    """Unique: `order_workflow/cancel`, or as in `routes.yaml`."""
    file: Path
    spec: RouteSpec
    line: int | None = None
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    """The lines of its fields, where they are known."""

    @property
    def verb(self) -> str:
        """One of `VERBS`. A route with a schedule has `start`."""
        return next(verb for verb in VERBS if getattr(self.spec, verb))

    @cached_property
    def wanted(self) -> tuple[tuple[str, str], ...]:
        """The attributes that an event must have, each as name and pattern."""
        named = {"type": self.spec.type, "source": self.spec.source, "subject": self.spec.subject}
        return tuple((name, pattern) for name, pattern in named.items() if pattern)

    @property
    def workflow(self) -> str:
        """The workflow that it starts, or whose instance it addresses; else `dead-letter`."""
        return str(getattr(self.spec, self.verb))

    @property
    def component(self) -> str | None:
        """The pub/sub component, if the route names one."""
        component, slash, _ = (self.spec.channel or "").partition("/")
        return component if slash else None

    @property
    def topic(self) -> str | None:
        """The topic of its events; None if it has a schedule."""
        return self.spec.channel and self.spec.channel.rpartition("/")[2]

    @property
    def schedule(self) -> Schedule | None:
        """Its schedule; None if it is for events."""
        return Schedule(self.spec.every, self.spec.timezone) if self.spec.every else None

    @property
    def place(self) -> str:
        """Where it is declared, as `file:line`."""
        return f"{self.file}:{self.line}" if self.line else str(self.file)

    def fault(self, name: str | None, message: str) -> Fault:
        """Return a fault of this route, or of one of its fields."""
        return _fault(self.file, self.name, name, message, self.lines.get(name or "", self.line))


def _fault(file: Path, label: str, name: str | None, message: str, line: int | None) -> Fault:
    return Fault(file, f"{label}{f'.{name}' if name else ''}: {message}", line)


def declared(
    name: str, file: Path, given: Mapping[str, Any], lines: Mapping[str, int], label: str = ""
) -> tuple[Route | None, list[Fault]]:
    """Return the route that these fields describe, and every fault, with its line.

    A route with faults lacks the fields at fault. It is not to be served: it is there so that the
    other fields are checked too. None if no field can be checked.

    `lines` has the line of each field, and under `""` the line of the route. Faults call the route
    by `label`, else by its name.
    """
    spec, wrong = read_spec(given)
    if not re.fullmatch(NAME, name.partition("/")[2] or name):
        wrong.append(("", "a name has letters, digits, _, . and -, at most 200"))
    line = lines.get("")
    faults = [
        _fault(file, label or name, at, message, lines.get(at, line)) for at, message in wrong
    ]
    spec = spec or read_partly(given, {at for at, _ in wrong})
    return (Route(name, file, spec, line, lines) if spec else None), faults


def of_workflow(
    workflow: str, tag: WorkflowTag, file: Path, line_of: Callable[[int], int | None]
) -> tuple[list[Route], list[Fault]]:
    """Return the routes of a decorator, and every fault. `line_of` has the line of each trigger.

    A route is named by its workflow and verb, with a number from the second on, or by its `name`.
    """
    routes: list[Route] = []
    faults: list[Fault] = []
    count: Counter[str] = Counter()
    for n, trigger in enumerate(tag.on):
        line = line_of(n)
        if not isinstance(trigger, Trigger):
            wrong_kind = f"{workflow} on[{n}]: write Start(...), Deliver(...) or another of them"
            faults.append(Fault(file, wrong_kind, line))
            continue
        given = {**trigger.given(), trigger.verb: workflow}
        kind = "every" if "every" in given else trigger.verb
        count[kind] += "name" not in given
        numbered = f"{kind}-{count[kind]}" if count[kind] > 1 else kind
        name = f"{workflow}/{str(given.pop('name', numbered)).removeprefix(f'{workflow}/')}"
        route, wrong = declared(
            name, file, given, {"": line} if line else {}, f"{workflow} on[{n}]"
        )
        routes += [route] if route else []
        faults += wrong
    return routes, faults


def combined(routes: list[Route], paused: Mapping[str, Fault]) -> tuple[list[Route], list[Fault]]:
    """Return all routes with pauses applied, and the names that clash or do not exist.

    `paused` has for each name that a file pauses the fault if there is no such route.
    """
    by_name: dict[str, Route] = {}
    unmatched: dict[str | None, Route] = {}
    faults = [fault for name, fault in paused.items() if name not in {r.name for r in routes}]
    for route in routes:
        if (first := by_name.setdefault(route.name, route)) is not route:
            faults.append(route.fault(None, f"this name is taken by {first.place}"))
        if route.verb == "unmatched" and route.spec.channel:
            first = unmatched.setdefault(route.spec.channel, route)
            if first is not route:
                faults.append(route.fault("from", f"{first.name} is for the same topic"))
        if route.name in paused:
            paused_spec = route.spec.model_copy(update={"paused": True})
            by_name[route.name] = replace(route, spec=paused_spec)
    return list(by_name.values()), faults
