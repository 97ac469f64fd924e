"""Reads a message of a topic of routes: a CloudEvent in any form, or JSON without an envelope."""

import re
from collections.abc import Mapping
from hashlib import sha256

from contracts.cloudevent import BATCH_CONTENT_TYPE, CONTENT_TYPE, JSON, CloudEvent
from contracts.entry import is_cloudevent, read_batch, read_entry

_HEADER = re.compile("ce[_-]([a-z0-9]+)")
_OWN = ("id", "source", "type", "specversion", "datacontenttype")
_BATCH = re.compile(rb"\s*\[\s*\{")


def read_incoming(
    body: bytes, topic: str, headers: Mapping[str, str] | None = None
) -> list[CloudEvent]:
    """Return the events of a message. If one is not valid, its `identified()` raises the reason.

    - Headers `ce_…` or `ce-…` make it binary: they are the attributes, and the body is the data.
    - A JSON object with `specversion` is an event, and an array of only such objects is a batch.
    - Anything else is data without an envelope. Its source is the topic and its id a digest of the
      body, so that a redelivery is a duplicate. Two equal bodies are one event.

    `expiration` and the other deadlines are attributes; `contracts.expiry` reads them.
    """
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    attributes = {m[1]: v for name, v in lower.items() if (m := _HEADER.fullmatch(name))}
    content_type = lower.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if "specversion" in attributes or "id" in attributes:
        return [_binary(body, attributes, content_type)]
    if kind == CONTENT_TYPE or is_cloudevent(body):
        return [read_entry(body)]
    if kind == BATCH_CONTENT_TYPE or _BATCH.match(body):
        elements = _elements(body)
        if elements is not None and (kind or all(map(is_cloudevent, elements))):
            return [read_entry(element) for element in elements]
        if kind == BATCH_CONTENT_TYPE:
            return [read_entry(body)]  # which says what is wrong
    own = sha256(body).hexdigest()[:32]
    known = content_type and kind != "application/octet-stream"
    return [CloudEvent(own, f"/topics/{topic}", "", body, content_type if known else JSON)]


def _binary(body: bytes, attributes: Mapping[str, str], content_type: str) -> CloudEvent:
    return CloudEvent(
        id=attributes.get("id", ""),
        source=attributes.get("source", ""),
        type=attributes.get("type", ""),
        body=body,
        datacontenttype=content_type or attributes.get("datacontenttype") or JSON,
        attributes={name: v for name, v in attributes.items() if name not in _OWN},
    )


def _elements(body: bytes) -> list[bytes] | None:
    """Return the elements of a JSON array; None if it is none."""
    text = body.strip()
    if not (text[:1] == b"[" and text[1:][-1:] == b"]"):
        return None
    try:
        return read_batch(body)
    except (ValueError, RecursionError):
        return None
