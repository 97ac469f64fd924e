"""Builds the notice of an ending: in the last turn, or from the engine's state of the run."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowState

from contracts.events import Outcome, RunFailure, WorkflowCompleted
from contracts.http import Instance, Stall
from orchestrator.engine.envelope import Cause
from orchestrator.engine.state import instance_of
from orchestrator.runs.failures import bounded, causes, text_of, type_of
from orchestrator.runs.payload import MAX_PAYLOAD_BYTES, payload_bytes

NOTICE_BYTES = MAX_PAYLOAD_BYTES - 100_000
"""The largest notice. The rest of the payload is for the keys of seen events."""
NOTICE_LEVELS = 100
"""The deepest nesting of an output that is announced unchanged. JSON readers stop at about 200."""
NOTICE_TEXT = 10_000
"""Characters kept of a text or value that is too large."""

_CAUSE = re.compile(
    r"(?:child workflow \S+ failed: )*(?:activity (?P<activity>\S+) failed: )?(?P<type>[^\s:]+)"
)


def of_turn(
    ctx: DaprWorkflowContext,
    workflow: str,
    cause: Cause,
    custom_status: str | None,
    output: Any,
    error: Exception | None,
) -> WorkflowCompleted:
    """Return the notice of a run that ends in this turn, with its output or its exception."""
    finished_at = ctx.current_utc_datetime.replace(tzinfo=UTC)
    started_at = cause.started_at or finished_at
    return WorkflowCompleted(
        instance_id=ctx.instance_id,
        workflow=workflow,
        outcome=Outcome.FAILED if error else Outcome.COMPLETED,
        output=output,
        error=_run_failure(error) if error else None,
        custom_status=custom_status,
        started_at=started_at,
        finished_at=finished_at,
        duration_s=max((finished_at - started_at).total_seconds(), 0),
    )


def of_state(state: WorkflowState, cause: Cause) -> WorkflowCompleted:
    """Return the notice of a run that has ended, from its state."""
    shown = instance_of(state)
    error = explained(shown.error.type, shown.error.message) if shown.error else None
    ended = shown.updated_at, Outcome(shown.status), shown.output, error
    return _of_instance(shown, cause, *ended)


def of_stalled(
    state: WorkflowState, cause: Cause, stall: Stall | None, reason: str | None
) -> WorkflowCompleted:
    """Return the notice of a stalled run that is removed: terminated, with the reason."""
    why = f"stalled: {stall.message}" if stall else "stalled"
    error = RunFailure(type=stall.reason if stall else "STALLED", message=why)
    ended = datetime.now(UTC), Outcome.TERMINATED, reason, error
    return _of_instance(instance_of(state), cause, *ended)


def _of_instance(
    shown: Instance,
    cause: Cause,
    ended_at: datetime,
    outcome: Outcome,
    output: Any,
    error: RunFailure | None,
) -> WorkflowCompleted:
    started_at = cause.started_at or shown.created_at
    finished_at = max(ended_at, started_at)
    notice = WorkflowCompleted(
        instance_id=shown.instance_id,
        workflow=shown.workflow,
        outcome=outcome,
        output=output,
        error=error,
        custom_status=shown.custom_status,
        started_at=started_at,
        finished_at=finished_at,
        duration_s=(finished_at - started_at).total_seconds(),
    )
    return fitting(notice)


def _run_failure(error: BaseException) -> RunFailure:
    """Return the failure of a run, with the activity and the type of its cause."""
    found = explained(type_of(error), text_of(error))
    for cause in causes(error):
        if found.cause_type is None or found.activity is None:
            before = explained(type_of(cause), text_of(cause))
            origin = {"activity": before.activity, "cause_type": before.cause_type or before.type}
            found = found.model_copy(update=origin)
    return found


def explained(kind: str, text: str) -> RunFailure:
    """Return a failure with the activity and the type of its cause, if its text names them.

    `orchestrator.runs.tasks` writes the text of a failed task: `activity NAME failed: TYPE: …`,
    after the names of the children that called it. The engine passes on only this text of a child.
    """
    found = _CAUSE.match(text) if kind == "TaskFailedError" else None
    return RunFailure(
        type=kind,
        message=bounded(text, NOTICE_TEXT),
        activity=found["activity"] if found else None,
        cause_type=found["type"] if found else None,
    )


def fitting(notice: WorkflowCompleted) -> WorkflowCompleted:
    """Return the notice, shortened if needed for the activity, the broker and the notifier."""
    if _levels(notice.output) > NOTICE_LEVELS:
        notice = _shortened(notice, "output")
    for field in ("output", "custom_status"):
        if payload_bytes(notice) > NOTICE_BYTES and field not in notice.truncated:
            notice = _shortened(notice, field)
    return notice


def _shortened(notice: WorkflowCompleted, field: str) -> WorkflowCompleted:
    value = getattr(notice, field)
    text = value if field == "custom_status" else json.dumps(value, ensure_ascii=False)
    short = f"{text[:NOTICE_TEXT]}…" if len(text) > NOTICE_TEXT else text
    return notice.model_copy(update={field: short, "truncated": (*notice.truncated, field)})


def _levels(value: Any) -> int:
    """Return how deep lists and objects are nested."""
    levels, layer = 0, [value]
    while layer := [part for part in layer if isinstance(part, list | dict) and part]:
        levels += 1
        layer = [
            inner for part in layer for inner in (part.values() if isinstance(part, dict) else part)
        ]
    return levels
