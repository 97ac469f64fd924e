"""What the services answer over HTTP: problems, pages, and what starter and orchestrator say.

A consumer may be older or newer than the service. It ignores members that it does not know, and
prints them where it prints the whole answer. Words that later versions may add to are `… | str`.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from contracts.disposition import Disposition
from contracts.events import Failure, Reason
from contracts.finding import Finding

Item = TypeVar("Item")
AnyDisposition = Annotated[Disposition | str, Field(union_mode="left_to_right")]
AnyReason = Annotated[Reason | str, Field(union_mode="left_to_right")]
MOST_LOOKED_UP = 1000
"""How many events, notices or dead letters one lookup names."""


LEFT_OUT = Field(None, exclude_if=lambda value: value is None)
"""A field that is left out where there is nothing to say."""


class Answer(BaseModel):
    """The base class of answers."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)


class FieldError(BaseModel):
    """One invalid field. To show it, put the field before the message."""

    field: str | None
    message: str


class Problem(BaseModel):
    """Why a request was not served (RFC 9457). `reason` is a dead-letter reason."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    reason: str | None = None
    errors: list[FieldError] = []

    @property
    def text(self) -> str:
        return self.detail or self.title


class Page(Answer, Generic[Item]):
    """A part of a list. `next` is the cursor of what follows; None at the end."""

    items: list[Item]
    next: str | int | None = None


class Accepted(Answer):
    """The broker has the event, which is for this instance; None if routes find the instance."""

    instance_id: str | None
    event_id: str


class AcceptedBatch(Answer):
    """The broker has the events, in the order they came."""

    items: list[Accepted]


class Workflow(Answer):
    """A workflow that can be started, with the JSON Schema of its input."""

    name: str
    description: str
    input_schema: dict[str, Any]
    example: Any
    announce: bool


class Stall(Answer):
    """Why and when the engine stopped an instance."""

    reason: str
    """The engine's code: `PATCH_MISMATCH`, `PAYLOAD_SIZE_EXCEEDED`, `VERSION_NOT_AVAILABLE`."""
    message: str
    since: AwareDatetime


class _Run(Answer):
    instance_id: str
    workflow: str
    status: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    input: JsonValue
    output: JsonValue
    custom_status: str | None
    error: Failure | None


class Status(_Run):
    """One instance as the starter shows it."""

    stalled: Stall | None = None
    """Why the engine stopped it, where its status is STALLED."""


class Instance(_Run):
    """One workflow instance; times are RFC 3339, UTC."""

    event_id: str | None = None
    """Id of the event that started it; None where Usher did not start it."""
    stalled: Stall | None = None
    """Why the engine stopped it, where its status is STALLED."""


class HistoryEvent(Answer):
    """One event of an instance's history, as the engine recorded it."""

    event_id: int
    timestamp: AwareDatetime
    type: str
    name: str | None
    task_scheduled_id: int | None
    """The `event_id` of the activity, child or timer that this event completes."""
    error: Failure | None
    purpose: Literal["timer", "event", "retry"] | None = None
    """Purpose of a timer. A timer of an event is a wait for the event of that `name`."""
    until: AwareDatetime | None = None
    """When a timer is due; None for a wait without a deadline."""
    child: str | None = None
    """Instance id of the child that this event created."""


class Waiting(Answer):
    """An instance that waits for an event."""

    instance_id: str
    workflow: str
    status: str
    event: str
    since: AwareDatetime
    until: AwareDatetime | None


class Parked(Answer):
    """An event that waits for its instance. Without `event`, its command cannot be read."""

    instance_id: str | None
    event: str | None
    data: JsonValue
    id: str
    source: str
    parked_at: AwareDatetime
    until: AwareDatetime | None
    """When the event expires. A start that is held is due then."""
    why: str | None = None
    """Why an instance that is there takes no events."""
    route: str | None = LEFT_OUT
    workflow: str | None = LEFT_OUT
    """Of a start that is held until it is due: the workflow that it starts."""


class EventRecord(Answer):
    """What became of one event."""

    disposition: AnyDisposition
    instance_id: str | None
    duplicates: int
    digest: str | None = None
    """What the event asks for (`contracts.digest`)."""
    others: int = 0
    """How many events were refused for reusing its source and id."""
    route: str | None = LEFT_OUT
    at: AwareDatetime


class Account(Answer):
    """One event as the ledger has it, and what is missing of it."""

    key: str
    topic: str
    """The topic, or component/topic, that it came on."""
    disposition: AnyDisposition
    instance_id: str | None
    letters: int
    """How often it was dead-lettered: so many attempts its letter has."""
    attempt: int = 1
    """How often serving it was begun: each claim that is taken over is one."""
    at: AwareDatetime
    notice: str | None = None
    """Id of the notice that was published when the run it started ended."""
    missing: str | None = None
    command: str | None = None
    """What the event asks for (`contracts.digest`); another that has its source and id differs."""


class Accounts(Page[Account]):
    """What became of many events. An event that the ledger does not have is not among them."""

    since: AwareDatetime
    """The ledger has forgotten everything before."""
    broken: list[str] = []
    """Keys of records that cannot be read."""


class Keys(BaseModel):
    """Keys of events in the ledger (`contracts.identity.event_key`)."""

    keys: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=MOST_LOOKED_UP)]


class Explanation(Answer):
    """What would become of an event, and why it would be refused where it would."""

    disposition: AnyDisposition
    """`unrouted` for an event that no route matches."""
    topic: str | None = None
    route: str | None = LEFT_OUT
    workflow: str | None = None
    instance_id: str | None = None
    reason: AnyReason | None = None
    field: str | None = None
    message: str | None = None
    known: AnyDisposition | None = None
    """What the ledger has of this event already."""
    until: AwareDatetime | None = LEFT_OUT
    """When the start is due, if it would be held, or is."""
    routes: list["Explanation"] | None = LEFT_OUT
    """The same for each route that the event is for."""
    not_matched: dict[str, str] | None = LEFT_OUT
    """Why other routes leave the event, by their names."""


class Windows(Answer):
    """Times of the orchestrator's settings that must fit together."""

    ledger_days: float
    stream_days: float
    call_timeout_seconds: float


class DoctorReport(Page[Finding]):
    """What would break a promise, as the orchestrator sees it."""

    settings: Windows
