"""What an expression sees of an event, and how much of it crosses into the CEL engine."""

from functools import cached_property
from typing import Any

from contracts import strict_json
from contracts.cloudevent import JSON, CloudEvent
from contracts.events import Reason
from contracts.limits import MAX_DATA_BYTES
from contracts.refusal import Refused
from contracts.routes.grammar import Path, Reads, Tree

MAX_VALUES = 5_000
"""The most values (also members and elements) that one expression may read of an event."""
MAX_TEXT = 64 * 1024
"""The most characters of text that one expression may read of an event."""
MAX_SINGLE = 1024
"""The longest text that a comprehension may read for each of its elements."""


class Missing(Exception):
    """A field that an expression reads is not in the event. Carries the dotted path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is missing")
        self.path = path


class NotEvaluated(Exception):
    """An expression failed on the data of an event. Carries the message and the field."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class EventView:
    """The variables of an expression: `event` with all attributes, `data`, and `subject`."""

    def __init__(self, event: CloudEvent) -> None:
        self._event = event
        self._parts: dict[frozenset[Path], dict[str, Any]] = {}
        self.contexts: dict[frozenset[Path], Any] = {}
        """Parts as the engine has them, since they cost more than most expressions."""

    @classmethod
    def of(cls, event: CloudEvent) -> "EventView":
        """Return the view of an event, made once. Raises `Refused` if it lacks source or id."""
        found: EventView | None = event.memo.get("view")
        if found is None:
            event.identified()
            found = event.memo["view"] = cls(event)
        return found

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """The attributes of the event, its extensions included."""
        names = ("id", "source", "type", "datacontenttype")
        own = {name: getattr(self._event, name) for name in names}
        return {"specversion": "1.0", **self._event.attributes, **own}

    @cached_property
    def data(self) -> Any:
        """The data: parsed, if it is JSON; else its text. Raises `Refused`."""
        body = self._event.body
        if len(body) > MAX_DATA_BYTES:
            message = f"{len(body):,} bytes of data; the limit is {MAX_DATA_BYTES:,}"
            raise Refused(Reason.OVERSIZE, message, "data")
        if not body:
            return None
        kind = self._event.datacontenttype.partition(";")[0].strip().lower()
        if kind == JSON or kind.endswith("+json"):
            return strict_json.loads(body)
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            message = f"{kind} that is not text; routes read JSON or text"
            raise Refused(Reason.INVALID_EVENT, message, "data") from error

    @cached_property
    def _without_data(self) -> dict[str, Any]:
        found = {"event": self.attributes}
        return found | ({"subject": subject} if (subject := self.attributes.get("subject")) else {})

    @cached_property
    def _with_data(self) -> dict[str, Any]:
        event = {**self.attributes, "data": self.data}
        return {**self._without_data, "event": event, "data": self.data}

    def roots(self, reads: Reads) -> dict[str, Any]:
        """Return the variables. The data is not parsed for an expression that does not read it."""
        return self._with_data if reads.data else self._without_data

    def part(self, reads: Reads) -> dict[str, Any]:
        """Return the variables with only what is read, which is what crosses into the engine.

        A condition on one field of a large event so costs no more than on a small one. Raises
        `NotEvaluated` for what is too large, or does not fit into the types of CEL.
        """
        if reads.paths not in self._parts:
            self._parts[reads.paths] = _Bound().part(reads.tree, self.roots(reads), ())
        for path in reads.single:
            self._check_single(path, walk(self.roots(reads), path, None))
        return self._parts[reads.paths]

    @staticmethod
    def _check_single(path: Path, value: Any) -> None:
        where = ".".join(path)
        if isinstance(value, list | dict):
            message = f"{where} is {kind_of(value)}; a comprehension compares with single values"
            raise NotEvaluated(message, where)
        if isinstance(value, str) and len(value) > MAX_SINGLE:
            message = f"{where} has more than {MAX_SINGLE:,} characters; too many for each element"
            raise NotEvaluated(message, where)


class _Bound:
    """Copies values, as long as they are few and fit."""

    def __init__(self) -> None:
        self._values, self._text = MAX_VALUES, MAX_TEXT

    def part(self, tree: Tree, value: Any, path: Path) -> Any:
        """Return of an object only the members in `tree`; anything else whole."""
        if not tree or not isinstance(value, dict):
            return self._copy(value, path)
        return {k: self.part(t, value[k], (*path, k)) for k, t in tree.items() if k in value}

    def _copy(self, value: Any, path: Path) -> Any:
        self._values -= 1
        if self._values < 0 or self._text < 0:
            self._too_much(path)
        if isinstance(value, dict):
            for name in value:
                self._text -= len(name)
            return {name: self._copy(inner, path) for name, inner in value.items()}
        if isinstance(value, list):
            if self._values < len(value):
                self._too_much(path)
            return [self._copy(inner, path) for inner in value]
        if isinstance(value, str):
            self._text -= len(value)
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            where = ".".join(path)
            raise NotEvaluated(f"{where} has the number {value}, which is beyond 64 bits", where)
        if self._text < 0:
            self._too_much(path)
        return value

    def _too_much(self, path: Path) -> None:
        where = ".".join(path)
        message = (
            f"{where} is too large to compute with: an expression reads at most {MAX_VALUES:,} "
            f"values and {MAX_TEXT:,} characters"
        )
        raise NotEvaluated(message, where)


_ABSENT = object()


def walk(value: Any, path: Path, default: Any = _ABSENT) -> Any:
    """Return the value at a path, as in the event: no number is changed.

    Raises `Missing`, or `NotEvaluated` if the path leads into what has no fields; `default` is
    returned instead, if there is one.
    """
    for n, step in enumerate(path):
        is_object = isinstance(value, dict)
        if is_object and step in value:
            value = value[step]
        elif default is not _ABSENT:
            return default
        elif is_object:
            raise Missing(".".join(path[: n + 1]))
        else:
            where = ".".join(path[:n])
            raise NotEvaluated(f"{where} is {kind_of(value)}, which has no fields", where)
    return value


def kind_of(value: Any) -> str:
    """Return what a value is, for a message."""
    kinds = {type(None): "null", bool: "a boolean", int: "an integer", float: "a number"}
    kinds |= {str: "a string", list: "a list", dict: "an object"}
    return kinds.get(type(value), f"a {type(value).__name__}")
