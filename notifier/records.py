"""What the notifier keeps and shows: a notice, a dead letter."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contracts.events import OriginalEvent, Reason, WorkflowCompleted


class Notice(WorkflowCompleted):
    """A workflow ended: the message as it came, and when it was first seen. Times are UTC."""

    id: str
    seen_at: AwareDatetime


class DeadLetter(BaseModel):
    """An event that could not be served. The same event put aside again raises `attempts`."""

    model_config = ConfigDict(frozen=True)

    id: str
    reason: Reason
    field: str | None
    message: str
    topic: str
    attempts: int
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    redriven_at: AwareDatetime | None = None
    event: OriginalEvent
