"""JSON as RFC 8259 means it: what one reader would take and another refuse is refused here."""

import json
from decimal import Decimal
from typing import Any, NoReturn

from contracts.events import Reason
from contracts.limits import MAX_ENTRY_BYTES
from contracts.refusal import Refused

MAX_LEVELS = 100
"""Pydantic reads 200 levels of JSON; a dead letter holds the data a few levels down."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the key {name[:80]!r} is there more than once")
            seen.add(name)
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:80]} is beyond a float")
    return number


def keeps_numbers(body: bytes) -> bool:
    """Tell whether every number of JSON that `loads` takes has its value when written again.

    A float holds about 17 digits: `0.10000000000000000001` would be written as `0.1`.
    """
    changed: list[str] = []

    def note(text: str) -> float:
        number = float(text)
        if Decimal(text) != Decimal(repr(number)):
            changed.append(text)
        return number

    json.loads(body, parse_float=note)
    return not changed


def _fits(value: Any, escapes: bool) -> None:
    """Refuse what cannot be written again: half a surrogate pair, nesting beyond `MAX_LEVELS`."""
    level = [value]
    for _ in range(MAX_LEVELS):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
                if escapes:
                    inner += one
            elif isinstance(one, list):
                inner += one
            elif escapes and isinstance(one, str):
                one.encode()
        level = inner
        if not level:
            return
    raise RecursionError


def loads(body: bytes, most: int = MAX_ENTRY_BYTES) -> Any:
    """Parse JSON; raise `Refused(invalid_json)` that says where it stops being JSON.

    Also refused: bytes that are not UTF-8, duplicate keys, NaN and Infinity, numbers and nesting
    beyond what Python takes (about 4,300 digits and 1,000 levels). A body of more than `most` bytes
    is `oversize`, and not looked into. The work is linear in the body's length.
    """
    if len(body) > most:
        raise Refused(Reason.OVERSIZE, f"{len(body):,} bytes; at most {most:,} are read", "data")
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
        # Text that is UTF-8 has half a surrogate pair only where it is written as an escape.
        _fits(value, escapes=b"\\u" in body)
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte {error.start} is 0x{body[error.start]:02x}"
    except UnicodeEncodeError as error:
        message = f"half of a surrogate pair: {error.object[error.start]!a}"
    except RecursionError:
        message = f"nested too deeply; at most {MAX_LEVELS} levels are read"
    except ValueError as error:
        message = f"not JSON: {error}"
    else:
        return value
    raise Refused(Reason.INVALID_JSON, message, "data")
