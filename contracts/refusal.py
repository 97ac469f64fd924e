"""A refusal: the exception for an event that cannot be served, with reason, message and field."""

from collections.abc import Sequence
from heapq import nsmallest
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts.events import Reason
from contracts.limits import MAX_MESSAGE_LENGTH


def with_field(field: str | None, message: str) -> str:
    """Return a message with its field in front, unless the message has it already."""
    if not field or message.startswith(f"{field}: "):  # messages of old dead letters have it
        return message
    return f"{field}: {message}"


def shortened(text: str, most: int = MAX_MESSAGE_LENGTH) -> str:
    """Return text cut to `most` characters, with `…` where it was cut."""
    return text if len(text) <= most else f"{text[:most]}…"


class Refused(Exception):
    """The event can never be served. Carries the reason, message and field of its dead letter.

    `message` does not repeat `field`; to show both, use `with_field`. Both may quote the sender's
    text, and are cut if it is very long.
    """

    def __init__(self, reason: Reason, message: str, field: str | None = None) -> None:
        message, field = shortened(message), shortened(field) if field else field
        super().__init__(with_field(field, message))
        self.reason = reason
        self.message = message
        self.field = field


SHOWN = 50
"""The largest number of errors that are shown for a value."""
_WORDING = {"extra_forbidden": "there is no such field", "missing": "required, but not there"}


def field_path(location: Sequence[int | str], value: Any) -> str:
    """Return the dotted path of the field in `value` for the location of a Pydantic error.

    Pydantic puts the names of union members into a location. The sender did not write these, so
    steps that `value` does not contain are left out.
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
    """Return the field most at fault, and a message with up to `SHOWN` errors, its own first.

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
        text = _WORDING.get(detail["type"], detail["msg"].removeprefix("Value error, "))
        lines[path] = f"{lines[path]} or {text}" if path in lines else text
    first, *others = lines
    rest = [with_field(path, lines[path]) for path in others]
    more = [f"{error.error_count() - len(found)} more"] if len(found) < error.error_count() else []
    return first, "; ".join([lines[first], *rest, *more])
