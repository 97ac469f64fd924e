"""Events: what Usher says has happened, in the past tense."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from contracts.message import Message

COMPLETED_TYPE = "usher.workflow.completed.v1"
DEAD_LETTERED_TYPE = "usher.event.deadlettered.v1"


class Outcome(StrEnum):
    """How a workflow ended."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


class Failure(Message):
    """Why a workflow failed: the exception's type and its text."""

    type: str
    message: str


def _is_empty(value: object) -> bool:
    """Tell whether an optional field is left out of the message."""
    return not value


class RunFailure(Failure):
    """Why a run failed, and where it began: in an activity, or in a child, and with what."""

    activity: str | None = Field(
        None,
        exclude_if=_is_empty,
        description="The activity that failed, where the run ended because of one; a child's too.",
    )
    cause_type: str | None = Field(
        None,
        exclude_if=_is_empty,
        description="The type of what was raised there, or of what the run's own was raised from.",
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
            "Fields that were cut, as the whole was too large for a message. Of `output` the first "
            "characters of its JSON are left, as text. The instance has all of it."
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
    """Another event has its source and id, and asks for something else."""
    UNKNOWN_INSTANCE = "unknown_instance"
    EXPIRED = "expired"
    INSTANCE_FINISHED = "instance_finished"
    INSTANCE_STALLED = "instance_stalled"
    """It takes no events: the engine has stopped it, or a turn of it does not return."""
    OVERSIZE = "oversize"
    HANDLER_ERROR = "handler_error"
    UNDELIVERABLE = "undeliverable"
    """Forwarded by the sidecar itself, so without a reason of ours."""


class OriginalEvent(BaseModel):
    """A CloudEvent that was dead-lettered: its attributes and extensions, and its data unchanged.

    `data` holds JSON, or text where the bytes were not JSON. `data_base64` holds the bytes. It is
    there without `data` where they were not UTF-8, and beside `data` where they have a number of
    more digits than a float, which `data` has rounded. A redrive sends `data_base64` where it is.
    Data of more than 1 MiB are kept as bytes only. Of more than 4 MiB the first bytes are kept, and
    `data_bytes` says how many there were: such an event cannot be redriven.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str | None = None
    source: str | None = None
    type: str | None = None
    data: JsonValue = None
    data_base64: str | None = None
    data_bytes: int | None = None


class EventDeadLettered(Message):
    """An event was put aside because it could not be served (topic `workflow-dead-letters`)."""

    model_config = ConfigDict(strict=False)

    reason: Reason
    field: str | None = None
    """The field at fault, as a dotted path such as `input.name`; null where it is none."""
    message: str
    """What is wrong, and what would be right."""
    topic: str
    attempts: Annotated[int, Field(ge=1)] = 1
    event: OriginalEvent
