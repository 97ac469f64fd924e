"""Reads completions and dead letters: our own messages, and what a sidecar put there."""

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

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
    event = read_entry(entry)
    whole = event.flaw is None and event.id and event.source and event.type
    try:
        if whole and event.type == DEAD_LETTERED_TYPE:
            return record(event.id, EventDeadLettered.model_validate_json(event.body))
    except ValidationError:
        whole = False
    if not whole:
        return _undeliverable(str(Topic.DEAD_LETTERS), forwarded_id(entry), kept(entry))
    topic = str(event.attributes.get("topic", Topic.DEAD_LETTERS))
    original = event.original().model_dump(exclude_unset=True)
    return _undeliverable(topic, forwarded_id(entry), original)


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


def _undeliverable(topic: str, letter_id: str, original: dict[str, Any]) -> DeadLetter:
    letter = EventDeadLettered(
        reason=Reason.UNDELIVERABLE,
        message="the sidecar could not deliver this event and forwarded it",
        topic=topic,
        attempts=1,
        event=OriginalEvent(**original),
    )
    return record(letter_id, letter)
