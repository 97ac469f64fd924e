"""Workflow instances and their history as the HTTP API shows them."""

import json
from datetime import UTC, datetime
from typing import Any

from dapr.ext.workflow import WorkflowHistoryEvent, WorkflowState
from pydantic import AwareDatetime, BaseModel, JsonValue

from contracts.events import Failure
from orchestrator.envelope import Cause, unseal


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


class HistoryEvent(BaseModel):
    """One event of an instance's history, as the engine recorded it."""

    event_id: int
    timestamp: AwareDatetime
    type: str
    name: str | None
    task_scheduled_id: int | None
    error: Failure | None


def instance(state: WorkflowState) -> Instance:
    """Show the state of an instance; its input is what its author sees, without our envelope."""
    failure = state.failure_details
    return Instance(
        instance_id=state.instance_id,
        workflow=state.name,
        status=state.runtime_status.name,
        created_at=_utc(state.created_at),
        updated_at=_utc(state.last_updated_at),
        input=unseal(_json(state.serialized_input))[1],
        output=_json(state.serialized_output),
        custom_status=state.serialized_custom_status or None,
        error=Failure(type=failure.error_type, message=failure.message) if failure else None,
    )


def cause(state: WorkflowState) -> Cause:
    """Return what started the instance; nothing where it was scheduled past Usher."""
    return unseal(_json(state.serialized_input))[0]


def history_event(event: WorkflowHistoryEvent) -> HistoryEvent:
    """Show one event of a history."""
    failure = event.failure_details
    return HistoryEvent(
        event_id=event.event_id,
        timestamp=_utc(event.timestamp),
        type=event.event_type.name,
        name=event.name,
        task_scheduled_id=event.task_scheduled_id,
        error=Failure(type=failure.error_type, message=failure.message) if failure else None,
    )


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _json(text: str | None) -> Any:
    return json.loads(text) if text else None
