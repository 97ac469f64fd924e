"""The state of one instance: what started it, how it is shown, and that it accepts nothing now."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dapr.ext.workflow import WorkflowState, WorkflowStatus
from pydantic import JsonValue, TypeAdapter

from contracts.events import Failure
from contracts.http import Instance, Stall
from orchestrator.engine.envelope import Cause, unseal

FINISHED = {WorkflowStatus.COMPLETED, WorkflowStatus.FAILED, WorkflowStatus.TERMINATED}
REASON = "UNREADABLE"

_ANSWER: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class NotNow(Exception):
    """This instance accepts no call now, while the engine serves others."""

    def __init__(self, message: str, *, stalled: bool) -> None:
        super().__init__(message)
        self.stalled = stalled


@dataclass(frozen=True)
class Unreadable:
    """Stands for the state of an instance whose record in the state store is broken.

    The engine can neither read nor end it. It is shown as stalled, so that it breaks no list and
    holds up no event.
    """

    instance_id: str
    message: str
    """The error that the engine returned."""
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it was read: the time of its creation is not known."""
    runtime_status: WorkflowStatus = WorkflowStatus.STALLED
    name: str = ""
    serialized_input: str | None = None
    serialized_output: str | None = None
    serialized_custom_status: str | None = None
    failure_details: Any = None

    @property
    def last_updated_at(self) -> datetime:
        return self.created_at

    @property
    def stall(self) -> Stall:
        said = f"the engine cannot read it: {self.message}"
        return Stall(reason=REASON, message=said, since=self.created_at)


def instance_of(state: WorkflowState) -> Instance:
    """Return an instance as it is shown: with its input as the author sees it, without envelope."""
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


def cause_of(state: WorkflowState) -> Cause:
    """Return what started the instance; an empty cause where Usher did not start it."""
    return unseal(_json(state.serialized_input))[0]


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _json(text: str | None) -> Any:
    """Read what the engine stored; None where it is no JSON: Usher may not have written it."""
    with suppress(ValueError, RecursionError):
        return json.loads(text) if text else None
    return None


def _shown(value: Any, text: str | None) -> Any:
    """Return the value of a stored text; the text itself where JSON cannot hold the value."""
    if value is None and text not in (None, "", "null"):
        value = text if _json(text) is None else None
    try:
        _ANSWER.dump_json([[[[_ANSWER.validate_python(value)]]]])
    except (ValueError, RecursionError):
        return text
    return value
