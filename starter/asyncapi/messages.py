"""Messages: the CloudEvents envelope, and what an event of a topic adds to it."""

import re
from collections.abc import Mapping
from typing import Any

from contracts.limits import MAX_NAME_LENGTH
from starter.asyncapi.schemas import Schema

ENVELOPE = "CloudEvent"
_TEXT = {"type": "string", "minLength": 1}
_ID = {**_TEXT, "maxLength": MAX_NAME_LENGTH}

CLOUD_EVENT: Schema = {
    "title": ENVELOPE,
    "description": (
        "A CloudEvent 1.0 in its JSON format. It may have more attributes, with names of "
        "lower-case letters and digits. Source and id identify an event: a second one with both "
        "is a duplicate. `data_base64` takes the place of `data` for data that are no JSON."
    ),
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": _ID,
        "source": _ID,
        "type": _TEXT,
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"type": "string", "default": "application/json"},
        "data": True,
        "data_base64": {"type": "string", "contentEncoding": "base64"},
    },
}


_SPECIAL = re.compile(r"[\\^$.*+?()\[\]{}|/]")
"""What to escape in a pattern. JavaScript refuses other escapes, such as the `-` of `re.escape`."""


def pattern(text: str | None) -> Schema:
    """Return the schema of an attribute: any, an exact value, or one that begins like `text`."""
    if not text or text == "*":
        return _TEXT
    if not text.endswith("*"):
        return {"const": text}
    return {"type": "string", "pattern": "^" + _SPECIAL.sub(r"\\\g<0>", text[:-1])}


def payload(envelope: Schema, attributes: Mapping[str, str | None], data: Schema | bool) -> Schema:
    """Return the schema of an event: the envelope, with these attributes and data."""
    properties: dict[str, Any] = {
        name: pattern(value) for name, value in attributes.items() if value
    }
    if data is not True:
        properties["data"] = data
    if not properties:
        return envelope
    return {"allOf": [envelope, {"required": [*properties], "properties": properties}]}


def code(text: str) -> str:
    """Return text as code in Markdown, on one line."""
    text = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"
