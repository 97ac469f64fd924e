"""Checks arguments that are sent unchanged: JSON and header values."""

import re
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from usher.errors import BadInput

_SPAN = re.compile(r"(\d+)([smhd])")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]

JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Exact = Annotated[bool, typer.Option("--exact", help="Show times to the second, in UTC.")]
Force = Annotated[
    bool, typer.Option("--force", help="Send it even if it would be dead-lettered, unchecked.")
]


class Status(StrEnum):
    """The status of an instance, in the engine's words."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    STALLED = "STALLED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


def json_argument(name: str, text: str | None) -> bytes | None:
    """Return the JSON in `text`, unchanged, as UTF-8; None if there is no argument.

    `-` reads standard input. Raises `BadInput` that names the argument and the problem.
    """
    if text is None:
        return None
    from contracts import strict_json
    from contracts.refusal import Refused

    # Bytes that are not UTF-8 are restored here, and refused below.
    raw = sys.stdin.buffer.read() if text == "-" else text.encode(errors="surrogateescape")
    try:
        strict_json.loads(raw)
    except Refused as refused:
        hint = "A JSON string needs its own quotes inside those of the shell: '\"Ada\"'."
        where = "It was read from standard input." if text == "-" else hint
        raise BadInput(f"{name} is not usable: {refused.message}.", where) from refused
    return raw


def header_argument(name: str, text: str | None) -> str | None:
    """Return `text` if an HTTP header can carry it, else raise `BadInput`."""
    if text is None:
        return None
    if not text or text != text.strip() or not (text.isascii() and text.isprintable()):
        raise BadInput(f"{name} must be printable ASCII, with no space at either end.")
    return text


def since_argument(text: str | None) -> datetime | None:
    """Read `10m`, `2h` (ago), or an RFC 3339 time; raises `BadInput` if it is neither."""
    if text is None:
        return None
    if ago := _span(text):
        return datetime.now(UTC) - ago
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        hint = "Write 10m, 2h or 1d, or a time such as 2030-01-31T08:00:00Z."
        raise BadInput(f"--since: {text!r} is no time.", hint) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seconds_argument(name: str, text: str | None) -> float | None:
    """Read `30s` or `10m` as seconds; raises `BadInput` if it is neither."""
    if text is None:
        return None
    if not (span := _span(text)):
        raise BadInput(f"{name}: {text!r} is no duration.", "Write 30s, 10m or 2h.")
    return span.total_seconds()


def _span(text: str) -> timedelta | None:
    found = _SPAN.fullmatch(text)
    return timedelta(**{_UNIT[found[2]]: int(found[1])}) if found else None
