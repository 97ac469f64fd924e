"""Events that Usher publishes about what happened, in the past tense."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from contracts.message import Message

COMPLETED_TYPE = "usher.workflow.completed.v1"
DEAD_LETTERED_TYPE = "usher.event.deadlettered.v1"
TICK_TYPE = "usher.tick.v1"
"""Of the event that a tick of a schedule is; it is on no topic."""


class Outcome(StrEnum):
    """The ending of a run, as its completion event has it."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


class Failure(Message):
    """Why a workflow failed: the type and message of the exception."""

    type: str
    message: str


def _is_empty(value: object) -> bool:
    """Whether an optional field is left out of the message."""
    return not value


class RunFailure(Failure):
    """Why a run failed, and the activity and exception that caused it, also in a child."""

    activity: str | None = Field(
        None,
        exclude_if=_is_empty,
        description="The activity whose failure ended the run, also if a child called it.",
    )
    cause_type: str | None = Field(
        None,
        exclude_if=_is_empty,
        description="The type of that activity's exception, or of the cause of the run's own.",
    )


class WorkflowCompleted(Message):
    """One run of a workflow has ended (topic `workflow-completions`). Times are RFC 3339, UTC."""

    model_config = ConfigDict(strict=False)

    instance_id: str
    workflow: str
    outcome: Outcome
    output: JsonValue = None
    error: RunFailure | None = None
    custom_status: str | None = None
    truncated: tuple[Literal["output", "custom_status"], ...] = Field(
        (),
        exclude_if=_is_empty,
        description=(
            "Fields that were cut, as the message was too large. `output` is then the first "
            "characters of its JSON, as text. The instance has the whole output."
        ),
    )
    started_at: AwareDatetime
    finished_at: AwareDatetime
    duration_s: Annotated[float, Field(ge=0)]


class Reason(StrEnum):
    """Why an event could not be served."""

    INVALID_JSON = "invalid_json"
    INVALID_EVENT = "invalid_event"
    INVALID_REQUEST = "invalid_request"
    INVALID_INSTANCE_ID = "invalid_instance_id"
    UNKNOWN_WORKFLOW = "unknown_workflow"
    INVALID_INPUT = "invalid_input"
    INSTANCE_EXISTS = "instance_exists"
    IDENTITY_REUSED = "identity_reused"
    """Another event has the same source and id, and another command."""
    UNKNOWN_INSTANCE = "unknown_instance"
    EXPIRED = "expired"
    INSTANCE_FINISHED = "instance_finished"
    INSTANCE_STALLED = "instance_stalled"
    """The instance takes no events: the engine stopped its run, or its turn does not return."""
    ROUTE_CONDITION = "route_condition"
    """An expression of a route failed on the data of the event."""
    NO_KEY = "no_key"
    """The event has no key where a route looks for one."""
    CANCELLED_EARLY = "cancelled_early"
    """The event that cancels the workflow came before the event that starts it."""
    UNROUTED = "unrouted"
    """No route is for the event, and its topic asks for a dead letter then."""
    LOOP = "loop"
    """Routes on completion events start workflows in a circle."""
    OVERSIZE = "oversize"
    HANDLER_ERROR = "handler_error"
    UNDELIVERABLE = "undeliverable"
    """The sidecar forwarded the event itself, without a reason of Usher's."""


class OriginalEvent(BaseModel):
    """A CloudEvent that was dead-lettered: its attributes and extensions, and its data unchanged.

    `data` holds JSON, or text if the bytes were not JSON. `data_base64` holds the bytes: without
    `data` if they were not UTF-8, and beside `data` if it does not say which bytes came, as a
    number that it rounds, or text of a type of JSON. A redrive sends `data_base64` if there is one.
    Data of more than 1 MiB is kept as bytes only. Of more than 4 MiB, only the first bytes are
    kept, and `data_bytes` is the full number; the event can then not be redriven.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str | None = None
    source: str | None = None
    type: str | None = None
    data: JsonValue = None
    data_base64: str | None = None
    data_bytes: int | None = None


class EventDeadLettered(Message):
    """A dead letter: an event that could not be served (topic `workflow-dead-letters`)."""

    model_config = ConfigDict(strict=False)

    reason: Reason
    field: str | None = None
    """The invalid field, as a dotted path such as `input.name`; null if no field is at fault."""
    message: str
    """What is wrong, and how to correct it."""
    topic: str
    """The topic, or component/topic, that the event came on."""
    route: str | None = Field(
        None, exclude_if=_is_empty, description="The route that could not serve the event."
    )
    attempts: Annotated[int, Field(ge=1)] = 1
    event: OriginalEvent
