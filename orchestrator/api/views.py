"""Workflow instances as the HTTP API shows them."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from dapr.ext.workflow import WorkflowState
from pydantic import AwareDatetime, BaseModel, JsonValue, TypeAdapter

from contracts.events import Failure
from orchestrator.engine.envelope import Cause, unseal
from orchestrator.engine.history import Stall

_ANSWER: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class Instance(BaseModel):
    """One workflow instance; times are RFC 3339, UTC."""

    instance_id: str
    workflow: str
    status: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    input: JsonValue
    output: JsonValue
    custom_status: str | None
    error: Failure | None
    event_id: str | None = None
    """Of the event that started it; None where it was scheduled past Usher."""
    stalled: Stall | None = None
    """Why the engine has stopped it, where its status is STALLED."""


def instance(state: WorkflowState) -> Instance:
    """Show the state of an instance; its input is what its author sees, without our envelope."""
    failure = state.failure_details
    begun_by, given = unseal(_json(state.serialized_input))
    return Instance(
        instance_id=state.instance_id,
        workflow=state.name,
        status=state.runtime_status.name,
        created_at=_utc(state.created_at),
        updated_at=_utc(state.last_updated_at),
        input=_shown(given, state.serialized_input),
        output=_shown(_json(state.serialized_output), state.serialized_output),
        custom_status=state.serialized_custom_status or None,
        error=Failure(type=failure.error_type, message=failure.message) if failure else None,
        event_id=begun_by.event_id,
    )


def cause(state: WorkflowState) -> Cause:
    """Return what started the instance; nothing where it was scheduled past Usher."""
    return unseal(_json(state.serialized_input))[0]


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _json(text: str | None) -> Any:
    """Read what the engine stored as JSON; None where it is none, as past Usher it may be."""
    with suppress(ValueError, RecursionError):
        return json.loads(text) if text else None
    return None


def _shown(value: Any, text: str | None) -> Any:
    """Return what was read of a stored text; the text itself where an answer cannot have that."""
    if value is None and text not in (None, "", "null"):
        value = text if _json(text) is None else None
    try:
        _ANSWER.dump_json([[[[_ANSWER.validate_python(value)]]]])
    except (ValueError, RecursionError):
        return text
    return value
