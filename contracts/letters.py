"""The ids of dead letters: an event put aside twice is one letter, two events are two."""

import json
from hashlib import sha256

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.digest import command_digest

_TRACING = {"traceid", "traceparent", "tracestate"}
"""A sidecar adds these on the way."""


def letter_id(topic: str, event: CloudEvent) -> str:
    """Return the id of the letter that puts `event` aside.

    An event is known by its source and id. One that lacks either is known by all that it holds.
    """
    identified = bool(event.id and event.source)
    named = (event.source, event.id) if identified else (fingerprint(event),)
    return identity.event_id("dead-letter", topic, *named)


def reused_id(topic: str, event: CloudEvent) -> str:
    """Return the id of the letter that puts `event` aside because another has its source and id.

    Each such event that asks for something else has a letter of its own.
    """
    digest = command_digest(event)
    return identity.event_id("dead-letter", topic, event.source, event.id, digest)


def forwarded_id(entry: bytes) -> str:
    """Return the id of a letter that a sidecar made by forwarding an entry as it was."""
    return sha256(entry).hexdigest()


def fingerprint(event: CloudEvent) -> str:
    """Return a digest of what an event holds, the same for the same event published twice."""
    attributes = {k: v for k, v in event.attributes.items() if k not in _TRACING}
    held = [event.id, event.source, event.type, event.datacontenttype, attributes]
    return sha256(json.dumps(held, sort_keys=True).encode() + event.body).hexdigest()
