"""Keys: how a JSON scalar becomes the text of a key, and how a key becomes an instance id."""

import json
import math
import re
from decimal import Decimal
from hashlib import sha256
from typing import Any

from contracts.limits import MAX_NAME_LENGTH
from contracts.message import INSTANCE_ID_PATTERN

_PLAIN = re.compile(INSTANCE_ID_PATTERN)
_RESERVED = re.compile(r".*-(?:ce-[0-9a-f]{24}|key-[0-9a-f]{32})", re.DOTALL)
"""Forms of ids that Usher makes: from an event's source and id, and from an escaped key."""
_HEAD = 128 - len("-key-") - 32


def key_text(value: Any) -> str:
    """Return the text of a key: a string as it is, any other scalar as canonical JSON.

    So `7`, `7.0` and `"7"` are one key. Raises `ValueError`, which says why a value is no key.
    """
    text = _text(value)
    if not text:
        raise ValueError("an empty string is no key")
    if len(text) > MAX_NAME_LENGTH:
        most = f"a key has at most {MAX_NAME_LENGTH:,} characters"
        raise ValueError(f"{most}; this has {len(text):,}")
    return text


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(Decimal(repr(value)))) if value.is_integer() else repr(value)
    kinds = {type(None): "null", list: "a list", dict: "an object", float: "not a finite number"}
    kind = kinds.get(type(value), type(value).__name__)
    raise ValueError(f"a key is a string, a number or a boolean; this is {kind}")


def instance_id_for(workflow: str, key: str) -> str:
    """Return the id of the instance of a key: `<workflow>-<key>`, if that is an instance id.

    Any other key is escaped: its readable part, `-key-` and 32 hexadecimal digits of a digest. Two
    keys never have the same id: a key that would make an id of that form is escaped itself.
    """
    plain = f"{workflow}-{key}"
    if _PLAIN.fullmatch(plain) and not _RESERVED.fullmatch(plain):
        return plain
    head = re.sub(r"[^A-Za-z0-9_-]", "_", plain[:_HEAD])
    digest = sha256(json.dumps([workflow, key]).encode()).hexdigest()[:32]
    return f"{head}-key-{digest}"
