"""Reads completions and dead letters: our own messages, and what a sidecar put there."""

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
from contracts.refusal import Refused, shortened
from contracts.topics import Topic
from notifier.records import DeadLetter, Notice


def read_notice(event: CloudEvent) -> Notice:
    """Read a completion; raise `Refused(invalid_event)` where it is none."""
    body = event.identified().body
    try:
        completed = WorkflowCompleted.model_validate(strict_json.loads(body, MAX_LETTER_BYTES))
    except (ValidationError, Refused) as error:
        said = shortened(f"no WorkflowCompleted: {error}")
        raise Refused(Reason.INVALID_EVENT, said, "data") from error
    return Notice(**completed.model_dump(), id=event.id, seen_at=datetime.now(UTC))


def read_dead_letter(entry: bytes, read: CloudEvent | None = None) -> DeadLetter:
    """Read one entry of the dead-letter topic; whatever it holds becomes a record.

    Ours is taken as it is. An event that a sidecar forwarded, as it could not deliver it, is kept
    whole. Anything else is kept as the bytes that it is.
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
    """Make the record of a dead letter that is seen now."""
    now = datetime.now(UTC)
    said = {name: getattr(letter, name) for name in EventDeadLettered.model_fields}
    return DeadLetter(id=letter_id, first_seen=now, last_seen=now, redriven_at=None, **said)


def original_event(letter: DeadLetter) -> CloudEvent:
    """Return what a dead letter says of its event, as far as it is to be told from others."""
    event = letter.event
    body = json.dumps(event.data).encode()
    return CloudEvent(id=event.id or "", source=event.source or "", type="", body=body)


def _no_event(entry: bytes, event: CloudEvent) -> DeadLetter:
    """Return the record of an entry that is no dead letter of ours and no event."""
    why = f": {event.flaw.message}" if event.flaw else ""
    message = f"an entry that is no dead letter and no CloudEvent{why}"
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
