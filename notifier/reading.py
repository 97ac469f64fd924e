"""Reads raw entries of the dead-letter topic: our own messages, and what a sidecar put there."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from contracts import strict_json
from contracts.cloudevent import CloudEvent, kept
from contracts.events import (
    DEAD_LETTERED_TYPE,
    EventDeadLettered,
    OriginalEvent,
    Reason,
    WorkflowCompleted,
)
from contracts.refusal import Refused
from contracts.topics import Topic
from notifier.records import DeadLetter, Notice


def read_notice(event: CloudEvent) -> Notice:
    """Read a completion; raise `Refused(invalid_event)` where it is none."""
    try:
        completed = WorkflowCompleted.model_validate_json(event.identified().body)
    except ValidationError as error:
        raise Refused(Reason.INVALID_EVENT, f"no WorkflowCompleted: {error}", "data") from error
    return Notice(**completed.model_dump(), id=event.id, seen_at=datetime.now(UTC))


def read_dead_letter(entry: bytes) -> DeadLetter:
    """Read one entry of the dead-letter topic; whatever it holds becomes a record."""
    try:
        envelope = strict_json.loads(entry)
        event = CloudEvent.from_dict(envelope)
        if event.type == DEAD_LETTERED_TYPE:
            return record(event.id, EventDeadLettered.model_validate_json(event.body))
    except (Refused, ValidationError):
        return _undeliverable(str(Topic.DEAD_LETTERS), sha256(entry).hexdigest(), kept(entry))
    topic = str(envelope.get("topic", Topic.DEAD_LETTERS))
    return _undeliverable(topic, event.id, event.original().model_dump(exclude_unset=True))


def record(letter_id: str, letter: EventDeadLettered) -> DeadLetter:
    """Make the record of a dead letter that is seen now."""
    now = datetime.now(UTC)
    said = {name: getattr(letter, name) for name in EventDeadLettered.model_fields}
    return DeadLetter(id=letter_id, first_seen=now, last_seen=now, redriven_at=None, **said)


def _undeliverable(topic: str, letter_id: str, original: dict[str, Any]) -> DeadLetter:
    letter = EventDeadLettered(
        reason=Reason.UNDELIVERABLE,
        message="the sidecar could not deliver this event and forwarded it",
        topic=topic,
        attempts=1,
        event=OriginalEvent(**original),
    )
    return record(letter_id, letter)
