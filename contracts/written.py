"""Writes the CloudEvents that Usher's own clients publish. JSON in them stays as it was written."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

COMMAND_TYPE = "usher.command.v1"


def object_of(members: Mapping[str, Any], written: Mapping[str, bytes] | None = None) -> bytes:
    """Return a JSON object of these members; those in `written` are JSON already."""
    values = {name: json.dumps(value).encode() for name, value in members.items()}
    values |= written or {}
    return (
        b"{"
        + b", ".join(json.dumps(name).encode() + b": " + v for name, v in values.items())
        + b"}"
    )


def event_of(
    source: str, kind: str, data: bytes | None, event_id: str | None = None, **attributes: str
) -> bytes:
    """Return a CloudEvent as JSON, with this JSON as its data; without an id it gets a new one."""
    head = {
        "specversion": "1.0",
        "id": event_id or str(uuid.uuid4()),
        "source": source,
        "type": kind,
        "datacontenttype": "application/json",
        **attributes,
    }
    return object_of(head, {"data": data or b"null"})


def command_of(
    source: str,
    command: Mapping[str, Any],
    event_id: str | None = None,
    written: Mapping[str, bytes | None] | None = None,
) -> bytes:
    """Return a command as a CloudEvent. Members that are None are left out."""
    given = {name: value for name, value in command.items() if value is not None}
    carried = {name: value for name, value in (written or {}).items() if value is not None}
    return event_of(source, COMMAND_TYPE, object_of(given, carried), event_id)
