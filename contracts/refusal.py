"""A refusal: the one way to say that an event cannot be served, and why."""

from collections.abc import Sequence
from heapq import nsmallest
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts.events import Reason
from contracts.limits import SAID_LENGTH


def with_field(field: str | None, message: str) -> str:
    """Return a refusal's message with the field that it is about before it, once."""
    if not field or message.startswith(f"{field}: "):  # as messages of old dead letters do
        return message
    return f"{field}: {message}"


def shortened(text: str, most: int = SAID_LENGTH) -> str:
    """Return text of at most `most` characters, and what shows that some are missing."""
    return text if len(text) <= most else f"{text[:most]}…"


class Refused(Exception):
    """This event cannot be served, now or later. Carries what a dead letter says of it.

    `message` does not repeat `field`; whoever shows both uses `with_field`. Both may quote what the
    sender wrote, and are cut where that is very long.
    """

    def __init__(self, reason: Reason, message: str, field: str | None = None) -> None:
        message, field = shortened(message), shortened(field) if field else field
        super().__init__(with_field(field, message))
        self.reason = reason
        self.message = message
        self.field = field


SHOWN = 50
"""The most errors of one value that are shown."""
_SAID = {"extra_forbidden": "there is no such field", "missing": "required, but not there"}


def field_path(location: Sequence[int | str], value: Any) -> str:
    """Turn the location of a Pydantic error into the dotted path of the field in `value`.

    Pydantic puts the names of union members into a location. They are no part of what the sender
    wrote, so a step that `value` does not contain is left out.
    """
    path: list[str] = []
    for step in location:
        is_index = isinstance(value, list) and isinstance(step, int)
        inside = step in value if isinstance(value, dict) else is_index
        if inside:
            value = value[step]
            path.append(str(step))
    return ".".join(path)


def _path(detail: ErrorDetails, value: Any) -> str:
    *above, last = detail["loc"] or ("",)
    if detail["type"] == "missing":
        return ".".join(filter(None, [field_path(above, value), str(last)]))
    return field_path(detail["loc"], value)


def explain(error: ValidationError, value: Any, root: str = "") -> tuple[str, str]:
    """Name the field most at fault and say what is wrong with it; then, with `SHOWN` other errors.

    A field that does not exist (a typo) comes first, then the error deepest in the value.
    """
    found = nsmallest(
        SHOWN,
        error.errors(include_url=False, include_context=False, include_input=False),
        key=lambda detail: (detail["type"] != "extra_forbidden", -len(detail["loc"])),
    )
    lines: dict[str, str] = {}
    for detail in found:
        path = ".".join(filter(None, [root, _path(detail, value)]))
        said = _SAID.get(detail["type"], detail["msg"].removeprefix("Value error, "))
        lines[path] = f"{lines[path]} or {said}" if path in lines else said
    first, *others = lines
    rest = [with_field(path, lines[path]) for path in others]
    more = [f"{error.error_count() - len(found)} more"] if len(found) < error.error_count() else []
    return first, "; ".join([lines[first], *rest, *more])
