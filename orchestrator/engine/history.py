"""The history of a run, with the timers' purposes that the SDK's own view leaves out."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from dapr.ext.workflow import WorkflowHistoryEventType
from pydantic import AwareDatetime, BaseModel

from contracts.events import Failure
from contracts.http import HistoryEvent, Stall

PURPOSES: dict[str | None, Literal["timer", "event", "retry"]] = {
    "createTimer": "timer",
    "externalEvent": "event",
    "activityRetry": "retry",
    "childWorkflowRetry": "retry",
}


_NEVER = 9999


def read_event(event: Any) -> HistoryEvent:
    """Read one `HistoryEvent` of the engine's protocol."""
    kind: str | None = event.WhichOneof("eventType")
    said: Any = getattr(event, kind) if kind else None
    timer = kind == "timerCreated"
    origin = said.WhichOneof("origin") if timer else None
    closes = "timerId" if kind == "timerFired" else "taskScheduledId"
    return HistoryEvent(
        event_id=event.eventId,
        timestamp=event.timestamp.ToDatetime(UTC),
        type=WorkflowHistoryEventType(kind).name,
        name=getattr(said.externalEvent if origin == "externalEvent" else said, "name", "") or None,
        task_scheduled_id=getattr(said, closes, None),
        error=_failure(said),
        purpose=PURPOSES.get(origin),
        until=_due(said.fireAt) if timer else None,
        child=said.instanceId if kind == "childWorkflowInstanceCreated" else None,
    )


def stall(history: Iterable[HistoryEvent]) -> Stall | None:
    """Return the last stall in a history; None where there is none."""
    found = None
    for event in history:
        if event.type == "EXECUTION_STALLED" and event.error:
            found = Stall(
                reason=event.error.type, message=event.error.message, since=event.timestamp
            )
    return found


class OpenWait(BaseModel):
    """A wait for an external event that has not ended."""

    event: str
    since: AwareDatetime
    until: AwareDatetime | None


def open_waits(history: Iterable[HistoryEvent]) -> list[OpenWait]:
    """Return the waits that no event and no deadline has ended, the oldest first.

    As in the SDK, an event ends the oldest wait for its name, in upper or lower case. An event that
    came before any wait ends none.
    """
    lines: dict[int, OpenWait] = {}
    for event in history:
        if event.type == "TIMER_CREATED" and event.purpose == "event" and event.name:
            lines[event.event_id] = OpenWait(
                event=event.name, since=event.timestamp, until=event.until
            )
        elif event.type == "TIMER_FIRED" and event.task_scheduled_id is not None:
            lines.pop(event.task_scheduled_id, None)
        elif event.type == "EVENT_RAISED" and event.name:
            name = event.name.casefold()
            waiting = (i for i, wait in lines.items() if wait.event.casefold() == name)
            lines.pop(next(waiting, -1), None)
    return list(lines.values())


def _failure(said: Any) -> Failure | None:
    fields = said.DESCRIPTOR.fields_by_name if said else {}
    if "description" in fields and "reason" in fields:  # a stall
        reasons = fields["reason"].enum_type.values_by_number
        return Failure(type=reasons[said.reason].name, message=said.description.strip())
    if "failureDetails" not in fields:
        return None
    if not said.HasField("failureDetails"):
        return None
    found = said.failureDetails
    return Failure(type=found.errorType, message=found.errorMessage)


def _due(moment: Any) -> datetime | None:
    """Read when a timer is due; the end of the year 9999 stands for never."""
    due: datetime = moment.ToDatetime(UTC)
    return None if due.year == _NEVER else due
