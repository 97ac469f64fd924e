"""What the notifier keeps and answers: notices, dead letters, timelines and redrives."""

from typing import Annotated, Any, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.events import OriginalEvent, Outcome, WorkflowCompleted
from contracts.http import MOST_LOOKED_UP, Answer, AnyDisposition, AnyReason, Instance, Page


class Notice(WorkflowCompleted):
    """A completion event, with the time it was first seen. Times are UTC."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    outcome: Annotated[Outcome | str, Field(union_mode="left_to_right")]  # type: ignore[assignment]
    """`UNREADABLE` stands for a record that cannot be read."""
    id: str
    seen_at: AwareDatetime


class DeadLetter(Answer):
    """A dead letter. If the event is dead-lettered again, `attempts` rises."""

    id: str
    reason: AnyReason
    field: str | None = None
    message: str
    topic: str
    route: str | None = Field(None, exclude_if=lambda route: route is None)
    attempts: int
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    redriven_at: AwareDatetime | None = None
    event: OriginalEvent

    @property
    def command(self) -> dict[str, Any]:
        """The members of the command in the event's data; empty if the data holds none."""
        return self.event.data if isinstance(self.event.data, dict) else {}

    @property
    def instance_id(self) -> str | None:
        """The instance that its command names."""
        command = self.command
        named = command.get("instance_id")
        if not named and command.get("workflow") and command.get("key"):
            named = f"{command['workflow']}-{command['key']}"
        return named if isinstance(named, str) else None

    @property
    def event_name(self) -> str | None:
        """The event that its command raises."""
        named = self.command.get("event")
        return named if isinstance(named, str) else None


class Step(Answer):
    """A step of a timeline. Without an end it still runs; if it took 0 s, it is a moment."""

    kind: str
    name: str
    begin: AwareDatetime
    end: AwareDatetime | None
    state: str
    note: str
    until: AwareDatetime | None
    child: str
    """The instance id of a child workflow, if known."""
    seconds: float | None


class Timeline(Answer):
    """What is known of one instance. Any part may be missing."""

    instance: Instance | None
    notice: Notice | None
    steps: list[Step]


class Ids(BaseModel):
    """Ids of notices, or of dead letters."""

    ids: Annotated[list[Annotated[str, Field(max_length=4096)]], Field(max_length=MOST_LOOKED_UP)]


class KeptNotice(Answer):
    """A notice that the notifier has."""

    id: str
    instance_id: str


class EventIdentity(Answer):
    """The source and id of an event; None where it has none."""

    source: str | None
    id: str | None


class KeptLetter(Answer):
    """A dead letter that the notifier has."""

    id: str
    attempts: int
    reason: AnyReason
    event: EventIdentity


Kept = TypeVar("Kept", KeptNotice, KeptLetter)


class Found(Page[Kept], Generic[Kept]):
    """The records that were asked for and are kept."""

    forgotten_before: float | None
    """When the newest removed record was last seen, as Unix time; None if none was removed."""


class Redrive(BaseModel):
    """Which dead letters to send again, and how. Each criterion narrows the choice down."""

    id: str | None = None
    """Of a dead letter, or of its event."""
    reason: str | None = None
    workflow: str | None = None
    since: AwareDatetime | None = None
    """Dead-lettered at this time or later."""
    again: bool = False
    """Whether to include those that were sent again already."""
    dry_run: bool = True
    """Whether to say only what would become of each."""
    rate: Annotated[float, Field(ge=0.1, allow_inf_nan=False)] = 50
    """How many are sent per second, at most."""


class RedriveItem(Answer):
    """What became of one dead letter; in a dry run, `would` says what would become of it.

    `done` is `published`, `refused`, `impossible` or `skipped`.
    """

    id: str
    event_id: str | None
    reason: AnyReason
    would: AnyDisposition | None = None
    done: str | None = None
    instance_id: str | None = None
    field: str | None = None
    message: str | None = None


class RedriveProgress(Answer):
    """One message of a redrive. The first has no item. The redrive is complete after `count`."""

    count: int
    """How many dead letters were chosen."""
    skipped: int
    """How many more would have been chosen, but were sent again already."""
    item: RedriveItem | None = None
    away: str | None = None
    """Why the redrive ends here: a service that it needs does not answer."""
