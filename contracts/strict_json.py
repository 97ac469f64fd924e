"""JSON as RFC 8259 means it: what one reader would take and another refuse is refused here."""

import json
from typing import Any, NoReturn

from contracts.events import Reason
from contracts.refusal import Refused


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {repeated!r} is there more than once")
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def loads(body: bytes) -> Any:
    """Parse JSON; raise `Refused(invalid_json)` that says where it stops being JSON.

    Also refused: bytes that are not UTF-8, duplicate keys, NaN and Infinity, numbers and nesting
    beyond what Python takes (about 4,300 digits and 1,000 levels).
    """
    try:
        return json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte {error.start} is 0x{body[error.start]:02x}"
    except RecursionError:
        message = "nested too deeply; keep below 1,000 levels"
    except ValueError as error:
        message = f"not JSON: {error}"
    raise Refused(Reason.INVALID_JSON, message, "data")
