"""Strict JSON (RFC 8259): refuses input that some JSON readers accept and others do not."""

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
                raise ValueError(f"the key {name[:80]!r} appears more than once")
            seen.add(name)
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:80]} is too large for a float")
    return number


def keeps_numbers(body: bytes) -> bool:
    """Return whether every number in JSON that `loads` accepts keeps its value when written again.

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
    """Raise for values that cannot be encoded: half a surrogate pair, more than `MAX_LEVELS`."""
    level = [value]
    for _ in range(MAX_LEVELS):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
                if escapes:
                    inner += item
            elif isinstance(item, list):
                inner += item
            elif escapes and isinstance(item, str):
                item.encode()
        level = inner
        if not level:
            return
    raise RecursionError


def loads(body: bytes, most: int = MAX_ENTRY_BYTES) -> Any:
    """Return the parsed JSON. Raises `Refused(invalid_json)`, which says where the error is.

    Also refused: bytes that are not UTF-8, duplicate keys, NaN and Infinity, numbers and nesting
    beyond what Python takes (about 4,300 digits and 1,000 levels). A body of more than `most` bytes
    is refused as `oversize`, unparsed. The work is linear in the body's length.
    """
    if len(body) > most:
        raise Refused(Reason.OVERSIZE, f"{len(body):,} bytes; the limit is {most:,}", "data")
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
        # In UTF-8 text, half a surrogate pair can only come from an escape.
        _fits(value, escapes=b"\\u" in body)
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte {error.start} is 0x{body[error.start]:02x}"
    except UnicodeEncodeError as error:
        message = f"half of a surrogate pair: {error.object[error.start]!a}"
    except RecursionError:
        message = f"nested too deeply: the limit is {MAX_LEVELS} levels"
    except ValueError as error:
        said = str(error).partition("; use sys.")[0]  # advice for who can change our code
        message = f"not JSON: {said}"
    else:
        return value
    raise Refused(Reason.INVALID_JSON, message, "data")
