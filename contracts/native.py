"""Records of native Kafka producers, read as if they had been published through Dapr.

A sidecar passes the headers of a record on, and `__partition` and `__offset`, which say where it
is. Its component escapes them (`escapeHeaders`).
"""

import json
from collections.abc import Iterable
from urllib.parse import quote_plus, unquote_plus

from contracts.cloudevent import CloudEvent
from contracts.routes.incoming import read_incoming
from contracts.topics import Topic

_OWN = frozenset(Topic)


def entry_of(body: bytes, topic: str, headers: Iterable[tuple[str, str | bytes]]) -> bytes:
    """Return the entry of a delivery: `body`, unless it is a native Kafka record.

    - Headers `ce_…` are the attributes of a CloudEvent in binary mode, and `body` is its data. The
      sidecar drops `content-type`, so the data is taken for JSON.
    - On Usher's own topics, a JSON object without an envelope is the data of an event whose source
      and id are the record's place, so that a redelivery is a duplicate.
    """
    every = dict(headers)
    if "__offset" not in every:
        return body
    found = {name: text for name, text in every.items() if isinstance(text, str)}
    if "ce_specversion" in found:
        attributes = {n: unquote_plus(text) for n, text in found.items() if n.startswith("ce_")}
        return read_incoming(body, topic, attributes)[0].to_json()
    if topic in _OWN and b'"specversion"' not in body and _is_object(body):
        place = f"{found.get('__partition')}-{found['__offset']}"
        return CloudEvent(place, f"/kafka/{topic}", "", body).to_json()
    return body


def entry_of_record(
    body: bytes, topic: str, partition: int, offset: int, headers: Iterable[tuple[str, bytes]]
) -> bytes:
    """Return the entry of a record read from Kafka, which is that of its delivery."""
    place = [("__partition", str(partition)), ("__offset", str(offset))]
    passed = [(name.lower(), quote_plus(value or b"")) for name, value in headers]
    return entry_of(body, topic, [*place, *passed])


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
