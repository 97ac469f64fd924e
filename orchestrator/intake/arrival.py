"""An event as it arrived on its topic: read once, here, and nowhere after.

This is the one place that knows which command an event of a topic carries. What comes after takes
command, key and digest from the arrival, whatever the topic is.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.commands import Command
from contracts.digest import command_digest
from contracts.expiry import Deadline, deadline
from contracts.reading import instance_named, read_command_from
from contracts.refusal import Refused
from orchestrator.ledger.records import Disposition, Entry


@dataclass(frozen=True)
class Arrival:
    """One delivery of one command."""

    topic: str
    event: CloudEvent
    at: datetime
    token: str
    """Unique to this delivery. Its claim of a start has it."""
    digest: str
    """Hash of the command."""
    key: str | None
    """Its key in the ledger; None where the event lacks id or source."""
    command: Command | None = None
    instance_id: str | None = None
    """The instance that the command is for."""
    deadline: Deadline | None = None
    flaw: Refused | None = None
    """Why the event can never be served. Without it, `command` and `instance_id` are there."""

    def entry(self, disposition: Disposition, **more: Any) -> Entry:
        """Return the first entry of this event in the ledger."""
        known = {"key": self.key, "command": self.digest, "topic": self.topic, "at": self.at}
        return Entry(**known, disposition=disposition, **more)


def arrive(topic: str, event: CloudEvent) -> Arrival:
    """Read an event that came on `topic`. Never raises: `flaw` says what is wrong with it."""
    at = datetime.now(UTC)
    command = due = flaw = None
    try:
        command = read_command_from(topic, event)
        instance_id: str | None = identity.instance_of(command, event.source, event.id)
        due = deadline(event, at)
    except Refused as refused:
        flaw, instance_id = refused, instance_named(event)  # the log has the id all the same
    return Arrival(
        topic=topic,
        event=event,
        at=at,
        token=uuid.uuid4().hex,
        digest=command_digest(event),
        key=identity.event_key(event.source, event.id) if event.id and event.source else None,
        command=command,
        instance_id=instance_id,
        deadline=due,
        flaw=flaw,
    )
