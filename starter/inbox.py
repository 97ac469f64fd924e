"""HOP 1's inbox: turns HTTP requests into CloudEvents (CloudEvents HTTP binding, and our own)."""

import base64
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from contracts import strict_json
from contracts.calls import STARTER_SOURCE
from contracts.cloudevent import BATCH_CONTENT_TYPE, CONTENT_TYPE, JSON, CloudEvent, is_json
from contracts.entry import read_batch, read_entry
from contracts.events import Reason
from contracts.refusal import Refused
from contracts.written import COMMAND_TYPE, object_of


def command_event(
    command: Mapping[str, Any],
    idempotency_key: str | None,
    carried: Mapping[str, bytes] | None = None,
) -> CloudEvent:
    """Return a command as a CloudEvent; the same idempotency key gives the same event.

    `carried` are members that are JSON already, and stay as written.
    """
    return CloudEvent(
        id=idempotency_key or str(uuid.uuid4()),
        source=STARTER_SOURCE,
        type=COMMAND_TYPE,
        body=object_of(command, carried),
        attributes={"time": datetime.now(UTC).isoformat()},
    )


def read_events(headers: Mapping[str, str], body: bytes) -> tuple[list[CloudEvent], bool]:
    """Return the CloudEvents of a request, and whether it was a batch.

    Reads the structured, batch and binary content modes of the HTTP binding. Raises `Refused`.
    """
    content_type = headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type == BATCH_CONTENT_TYPE:
        envelopes = strict_json.loads(body)
        if not isinstance(envelopes, list):
            raise Refused(Reason.INVALID_EVENT, "a batch is a JSON array of CloudEvents")
        found = []
        for position, envelope in enumerate(zip(envelopes, read_batch(body), strict=True)):
            with placed(position):
                found.append(_structured(*envelope))
        return found, True
    if content_type == CONTENT_TYPE:
        return [_structured(strict_json.loads(body), body)], False
    return [_binary(headers, content_type or JSON, body)], False


def _structured(envelope: Any, written: bytes) -> CloudEvent:
    """Read an event in JSON. JSON data stays as written, with every digit."""
    event = CloudEvent.from_dict(envelope)
    body = read_entry(written).body if is_json(event.datacontenttype) else b""
    return replace(event, body=body) if body else event


@contextmanager
def placed(position: int | None) -> Iterator[None]:
    """Prefix the field of a refusal with the event's position in its batch."""
    try:
        yield
    except Refused as refused:
        if position is None:
            raise
        field = f"{position}.{refused.field}" if refused.field else str(position)
        raise Refused(refused.reason, refused.message, field) from refused


def _binary(headers: Mapping[str, str], content_type: str, body: bytes) -> CloudEvent:
    """Read the binary mode: attributes as `ce-…` headers, the body as data."""
    attributes = {k[3:]: unquote(v) for k, v in headers.items() if k.startswith("ce-")}
    if "specversion" not in attributes:
        message = (
            f"send a CloudEvent: {CONTENT_TYPE}, {BATCH_CONTENT_TYPE}, "
            "or headers ce-specversion, ce-id, ce-source and ce-type"
        )
        raise Refused(Reason.INVALID_EVENT, message, "specversion")
    data = base64.b64encode(body).decode()
    return CloudEvent.from_dict(
        {**attributes, "datacontenttype": content_type, "data_base64": data}
    )
