"""What the ledger keeps: an event's entry, who holds an instance id, how a run ended."""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contracts import identity, redrive
from contracts.cloudevent import CloudEvent
from contracts.digest import command_digest
from contracts.entry import read_entry
from contracts.limits import ANY_SIZE, SEEN_KEPT
from contracts.topics import Topic

LEASE_SECONDS = 12
"""How long the claim of a start belongs to its handler alone. Longer than the deadline of one call:
when the lease is over, no call that would start the workflow is still on its way."""
LEASE = timedelta(seconds=LEASE_SECONDS)


class Disposition(StrEnum):
    """What became of an event. `claimed` is on its way; `parked` is open, all others are final."""

    CLAIMED = "claimed"
    PARKED = "parked"
    STARTED = "started"
    DELIVERED = "delivered"
    CONTROLLED = "controlled"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    DEAD_LETTERED = "dead_lettered"


OPEN = {Disposition.CLAIMED, Disposition.PARKED}


class Entry(BaseModel):
    """One event in the ledger."""

    model_config = ConfigDict(frozen=True)

    key: str
    topic: Topic
    disposition: Disposition
    instance_id: str | None = None
    at: AwareDatetime
    attempt: int = 1
    """How often serving it was begun: by a first claim, a take-over, a redrive."""
    token: str = ""
    """Whose claim this is; no other claim has it."""
    digest: str | None = None
    """What a start would run: the same for the same workflow and input."""
    command: str | None = None
    """What the event asks for (`contracts.digest`); None in entries of earlier versions."""
    others: list[str] = []
    """The same of events that were put aside for having this one's source and id, newest last."""
    letters: int = 0
    """How often it was dead-lettered."""
    duplicates: int = 0
    event: dict[str, Any] | None = None
    """The event itself, while it is parked."""
    until: AwareDatetime | None = None
    """When a parked event expires."""
    why: str | None = None
    """What keeps an instance that is there from taking a parked event."""

    @property
    def final(self) -> bool:
        return self.disposition not in OPEN

    def is_of(self, event: CloudEvent) -> bool:
        """Tell whether this is the entry of `event`, and not of another with its source and id."""
        return not self.differs(command_digest(event))

    def differs(self, command: str | None) -> bool:
        """Tell whether this is the entry of an event that asks for something else."""
        return None not in (self.command, command) and self.command != command

    def accepted(self) -> CloudEvent:
        """Return a parked event, read by the reader that took it off its topic."""
        return read_entry(json.dumps(self.event, ensure_ascii=False).encode(), ANY_SIZE)

    def reopened_by(self, event: CloudEvent) -> bool:
        """Tell whether `event` is a redrive of the last dead letter of this event.

        A redrive says how often its event had been dead-lettered, so each reopens once.
        """
        asked = event.attributes.get(redrive.EXTENSION)
        return self.disposition is Disposition.DEAD_LETTERED and str(asked) == str(self.letters)


class Ended(BaseModel):
    """A run that ended and was announced; `seen` are the events it had received, newest last."""

    model_config = ConfigDict(frozen=True)

    key: str | None
    """Of the event that started it."""
    outcome: str
    seen: list[str] = []
    seen_all: bool = False
    """Whether `seen` has all that the run received: the run told it itself, and not the engine."""
    announced: bool = True
    """False for a run whose workflow does not announce itself; `seen` is not known then."""

    def never_read(self, key: str) -> bool:
        """Tell whether it is certain that the run ended without having received an event."""
        return self.seen_all and len(self.seen) < SEEN_KEPT and key not in self.seen


class Holder(BaseModel):
    """Which event took an instance id, and to run what; or whose child has it."""

    model_config = ConfigDict(frozen=True)

    key: str
    digest: str | None


def begun(event: CloudEvent, topic: Topic, disposition: Disposition, **more: Any) -> Entry:
    """Return the first entry of an event."""
    known = {"key": identity.event_key(event.source, event.id), "command": command_digest(event)}
    return Entry(**known, topic=topic, disposition=disposition, at=datetime.now(UTC), **more)
