"""Reads completion events and dead letters, from Usher or forwarded by a sidecar."""

import json
from datetime import UTC, datetime

from pydantic import ValidationError

from contracts import strict_json
from contracts.cloudevent import CloudEvent, kept
from contracts.entry import read_entry
from contracts.events import (
    DEAD_LETTERED_TYPE,
    EventDeadLettered,
    OriginalEvent,
    Reason,
    WorkflowCompleted,
)
from contracts.letters import forwarded_id
from contracts.limits import MAX_LETTER_BYTES
from contracts.records import DeadLetter, Notice
from contracts.refusal import Refused, shortened
from contracts.topics import Topic


def read_notice(event: CloudEvent) -> Notice:
    """Return the notice of a completion event. Raises `Refused(invalid_event)` if it is none."""
    body = event.identified().body
    try:
        completed = WorkflowCompleted.model_validate(strict_json.loads(body, MAX_LETTER_BYTES))
    except (ValidationError, Refused) as error:
        message = shortened(f"not a WorkflowCompleted: {error}")
        raise Refused(Reason.INVALID_EVENT, message, "data") from error
    return Notice(**completed.model_dump(), id=event.id, seen_at=datetime.now(UTC))


def read_dead_letter(entry: bytes, read: CloudEvent | None = None) -> DeadLetter:
    """Return the record of an entry on the dead-letter topic, whatever the entry holds.

    A dead letter from Usher is kept as it is. An event that a sidecar could not deliver and
    forwarded is kept whole. Of anything else, the bytes are kept.
    """
    event = read or read_entry(entry, MAX_LETTER_BYTES)
    whole = event.flaw is None and event.id and event.source and event.type
    if not whole:
        return _no_event(entry, event)
    if event.type == DEAD_LETTERED_TYPE:
        try:
            data = strict_json.loads(event.body, MAX_LETTER_BYTES)
            return record(event.id, EventDeadLettered.model_validate(data))
        except (ValidationError, Refused):
            return _no_event(entry, event)
    topic = str(event.attributes.get("topic", Topic.DEAD_LETTERS))
    message = "the sidecar could not deliver this event and forwarded it"
    return _undeliverable(topic, entry, message, event.original())


def record(letter_id: str, letter: EventDeadLettered) -> DeadLetter:
    """Return the record of a dead letter, seen now."""
    now = datetime.now(UTC)
    return DeadLetter(
        id=letter_id,
        reason=letter.reason,
        field=letter.field,
        message=letter.message,
        topic=letter.topic,
        route=letter.route,
        attempts=letter.attempts,
        first_seen=now,
        last_seen=now,
        redriven_at=None,
        event=letter.event,
    )


def original_event(letter: DeadLetter) -> CloudEvent:
    """Return the event of a dead letter, with its identity and data only."""
    event = letter.event
    body = json.dumps(event.data).encode()
    return CloudEvent(id=event.id or "", source=event.source or "", type="", body=body)


def _no_event(entry: bytes, event: CloudEvent) -> DeadLetter:
    """Return the record of an entry that is neither a dead letter from Usher nor an event."""
    why = f": {event.flaw.message}" if event.flaw else ""
    message = f"the entry is neither a dead letter nor a CloudEvent{why}"
    return _undeliverable(
        str(Topic.DEAD_LETTERS), entry, message, OriginalEvent.model_validate(kept(entry))
    )


def _undeliverable(topic: str, entry: bytes, message: str, original: OriginalEvent) -> DeadLetter:
    letter = EventDeadLettered(
        reason=Reason.UNDELIVERABLE,
        message=shortened(message),
        topic=shortened(topic, 200),
        attempts=1,
        event=original,
    )
    return record(forwarded_id(entry), letter)
