"""The ids of dead letters: one for each event, however often it is dead-lettered."""

import json
from hashlib import sha256

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.digest import command_digest

_TRACING = {"traceid", "traceparent", "tracestate"}
"""Attributes that a sidecar adds."""


def letter_id(topic: str, event: CloudEvent, route: str | None = None) -> str:
    """Return the id of the dead letter of `event`, which each route has of its own.

    Source and id identify the event. If it lacks either, all its content does.
    """
    identified = bool(event.id and event.source)
    named = (event.source, event.id) if identified else (fingerprint(event),)
    return identity.event_id("dead-letter", topic, *named, *_of(route))


def reused_id(topic: str, event: CloudEvent, route: str | None = None) -> str:
    """Return the id of the dead letter of an event that has the source and id of another event.

    Each command under that source and id has a dead letter of its own.
    """
    digest = command_digest(event)
    return identity.event_id("dead-letter", topic, event.source, event.id, digest, *_of(route))


def _of(route: str | None) -> list[str]:
    return [f"route {route}"] if route else []


def forwarded_id(entry: bytes) -> str:
    """Return the id of the dead letter for an entry that a sidecar forwarded unchanged."""
    return sha256(entry).hexdigest()


def fingerprint(event: CloudEvent) -> str:
    """Return a digest of an event's content, the same each time the event is published."""
    attributes = {k: v for k, v in event.attributes.items() if k not in _TRACING}
    content = [event.id, event.source, event.type, event.datacontenttype, attributes]
    return sha256(json.dumps(content, sort_keys=True).encode() + event.body).hexdigest()
