"""What an entry of a stream is known by: an event's key in the ledger, the ids of its letters."""

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.letters import forwarded_id, letter_id


def key_of(event: CloudEvent) -> str | None:
    """Return an event's key in the ledger; None where it lacks id or source."""
    if not (event.id and event.source):
        return None
    return identity.event_key(event.source, event.id)


def letters_of(topic: str, event: CloudEvent, data: bytes) -> list[str]:
    """Return the ids that a dead letter of this entry may have: the orchestrator's, a sidecar's."""
    return [letter_id(topic, event), forwarded_id(data)]
