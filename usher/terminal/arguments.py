"""Checks arguments that are sent unchanged: JSON and header values."""

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from usher.errors import BadInput

_AGO = re.compile(r"(\d+)([smhd])")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]


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
    if ago := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNIT[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        hint = "Write 10m, 2h or 1d, or a time such as 2030-01-31T08:00:00Z."
        raise BadInput(f"--since: {text!r} is no time.", hint) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
