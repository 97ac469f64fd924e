"""HOP 1's way in: HTTP requests become CloudEvents (the CloudEvents HTTP binding, and our own)."""

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from contracts import strict_json
from contracts.cloudevent import BATCH_CONTENT_TYPE, CONTENT_TYPE, JSON, CloudEvent
from contracts.events import Reason
from contracts.refusal import Refused
from starter.outbox import SOURCE

COMMAND_TYPE = "usher.command.v1"


def command_event(command: Mapping[str, Any], idempotency_key: str | None) -> CloudEvent:
    """Wrap a command; the same idempotency key gives the same event."""
    return CloudEvent(
        id=idempotency_key or str(uuid.uuid4()),
        source=SOURCE,
        type=COMMAND_TYPE,
        body=json.dumps(command).encode(),
        attributes={"time": datetime.now(UTC).isoformat()},
    )


def read_events(headers: Mapping[str, str], body: bytes) -> tuple[list[CloudEvent], bool]:
    """Read the CloudEvents of a request, and tell whether it was a batch.

    Structured, batch and binary content modes of the HTTP protocol binding. Raises `Refused`.
    """
    content_type = headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type == BATCH_CONTENT_TYPE:
        envelopes = strict_json.loads(body)
        if not isinstance(envelopes, list):
            raise Refused(Reason.INVALID_EVENT, "a batch is a JSON array of CloudEvents")
        found = []
        for position, envelope in enumerate(envelopes):
            with placed(position):
                found.append(CloudEvent.from_dict(envelope))
        return found, True
    if content_type == CONTENT_TYPE:
        return [CloudEvent.from_dict(strict_json.loads(body))], False
    return [_binary(headers, content_type or JSON, body)], False


@contextmanager
def placed(position: int | None) -> Iterator[None]:
    """Put an event's place in its batch before the field that a refusal names."""
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
