"""The records of the ledger: an event's entry, who holds an instance id, how a run ended."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contracts import identity, redrive
from contracts.cloudevent import CloudEvent
from contracts.disposition import Disposition as Disposition
from contracts.entry import read_entry
from contracts.limits import ANY_SIZE, SEEN_KEPT

LEASE_SECONDS = 12
"""How long the claim of a start belongs to its handler alone. Longer than the deadline of one call:
when the lease is over, no call that would start the workflow is still on its way."""
LEASE = timedelta(seconds=LEASE_SECONDS)


Known = Mapping[str, tuple[dict[str, Any] | None, str]]
"""Records that were read just now, with their etags, by key; None and "" for one that is not there.
Who writes one of them need not read it again."""


OPEN = {Disposition.CLAIMED, Disposition.PARKED}


class Entry(BaseModel):
    """One event in the ledger."""

    model_config = ConfigDict(frozen=True)

    key: str
    topic: str
    disposition: Disposition
    instance_id: str | None = None
    at: AwareDatetime
    attempt: int = 1
    """How many times a handler began to serve it: first claim, take-overs, redrives."""
    token: str = ""
    """Unique to the claim of one handler."""
    digest: str | None = None
    """Of a start: hash of the workflow and its input."""
    command: str | None = None
    """Hash of the event's command (`contracts.digest`); None in entries of earlier versions."""
    others: list[str] = []
    """The same of events that were refused for reusing this source and id, newest last."""
    letters: int = 0
    """How many times it was dead-lettered."""
    duplicates: int = 0
    route: str | None = None
    """The route that the event came by; None for a command."""
    base_id: str | None = None
    """The id that the key alone gives, where each start of it is a run of its own (`again`)."""
    cancelled_by: str | None = None
    """The key of the event that cancelled the workflow before this event could start it."""
    canceller: str | None = None
    """That event's id and source, for people."""
    event: dict[str, Any] | None = None
    """The event itself, while it is parked. A start that was held keeps it until it has started."""
    asked: dict[str, Any] | None = None
    """The command that its route made of a parked event, by the rules of that time."""
    until: AwareDatetime | None = None
    """When a parked event expires. A start that is held is due then."""
    why: str | None = None
    """Why an existing instance does not accept a parked event."""

    @property
    def final(self) -> bool:
        return self.disposition not in OPEN

    @property
    def held(self) -> bool:
        """Whether it is a start that waits for its time, or is being made now that it is due."""
        asked = self.asked
        return not (asked is None or self.final or {"event", "control"} & asked.keys())

    @property
    def joined(self) -> bool:
        """Whether it is for a run of its key that another event started."""
        own = identity.derived_key(self.instance_id or "") == self.key
        return not (self.base_id is None or self.final or own)

    def differs(self, command: str | None) -> bool:
        """Return whether this entry belongs to an event with another command."""
        return None not in (self.command, command) and self.command != command

    def cancelled(self, by: str, event: CloudEvent) -> "Entry":
        """Return this entry of a start as it is once an event, with the key `by`, cancelled it."""
        return self.model_copy(update={"cancelled_by": by, "canceller": event.named})

    def accepted(self) -> CloudEvent:
        """Return a parked event, parsed as it was when it came off its topic."""
        text = json.dumps(self.event, ensure_ascii=False, separators=(",", ":"))
        return read_entry(text.encode(), ANY_SIZE)

    def reopened_by(self, event: CloudEvent) -> bool:
        """Return whether `event` is a redrive of the last dead letter of this event.

        A redrive carries the number of dead letters so far, so each redrive reopens it once.
        """
        asked = event.attributes.get(redrive.EXTENSION)
        return self.disposition is Disposition.DEAD_LETTERED and str(asked) == str(self.letters)


class Ended(BaseModel):
    """The announced ending of a run. `seen` are the events that it received, newest last."""

    model_config = ConfigDict(frozen=True)

    key: str | None
    """Key of the event that started it."""
    outcome: str
    seen: list[str] = []
    seen_all: bool = False
    """Whether `seen` is complete: only the run itself knows, the engine does not."""
    announced: bool = True
    """False for a run whose workflow does not announce itself; `seen` is not known then."""

    def never_read(self, key: str) -> bool:
        """Return whether the run certainly ended without receiving the event."""
        return self.seen_all and len(self.seen) < SEEN_KEPT and key not in self.seen


class Holder(BaseModel):
    """The event that took an instance id, with its digest; or the parent whose child has the id."""

    model_config = ConfigDict(frozen=True)

    key: str
    digest: str | None


class LatestRun(BaseModel):
    """The latest run of a key, the event that starts it, and when that was claimed."""

    model_config = ConfigDict(frozen=True)

    instance_id: str
    key: str
    claimed_at: AwareDatetime
