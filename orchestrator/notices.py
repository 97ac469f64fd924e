"""How a run's end is told: by its own last turn, or as the engine shows it afterwards."""

from datetime import UTC, datetime
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowState

from contracts.events import Failure, Outcome, WorkflowCompleted
from orchestrator import views
from orchestrator.envelope import Cause
from orchestrator.history import Stall


def of_turn(
    ctx: DaprWorkflowContext,
    workflow: str,
    cause: Cause,
    custom_status: str | None,
    output: Any,
    error: Exception | None,
) -> WorkflowCompleted:
    """Return the notice of a run that ends in this turn, with its output or what it raised."""
    finished_at = ctx.current_utc_datetime.replace(tzinfo=UTC)
    started_at = cause.started_at or finished_at
    return WorkflowCompleted(
        instance_id=ctx.instance_id,
        workflow=workflow,
        outcome=Outcome.FAILED if error else Outcome.COMPLETED,
        output=output,
        error=_failure(error) if error else None,
        custom_status=custom_status,
        started_at=started_at,
        finished_at=finished_at,
        duration_s=max((finished_at - started_at).total_seconds(), 0),
    )


def of_stalled(
    state: WorkflowState, cause: Cause, stall: Stall | None, reason: str | None
) -> WorkflowCompleted:
    """Return the notice of a stalled run that is ended by force: terminated, and why it stalled."""
    shown = views.instance(state)
    started_at = cause.started_at or shown.created_at
    finished_at = max(datetime.now(UTC), started_at)
    why = f"stalled: {stall.message}" if stall else "stalled"
    return WorkflowCompleted(
        instance_id=shown.instance_id,
        workflow=shown.workflow,
        outcome=Outcome.TERMINATED,
        output=reason,
        error=Failure(type=stall.reason if stall else "STALLED", message=why),
        custom_status=shown.custom_status,
        started_at=started_at,
        finished_at=finished_at,
        duration_s=(finished_at - started_at).total_seconds(),
    )


def of_state(state: WorkflowState, cause: Cause) -> WorkflowCompleted:
    """Return the notice of a run that has ended, from its state."""
    shown = views.instance(state)
    started_at = cause.started_at or shown.created_at
    finished_at = max(shown.updated_at, started_at)
    return WorkflowCompleted(
        instance_id=shown.instance_id,
        workflow=shown.workflow,
        outcome=Outcome(shown.status),
        output=shown.output,
        error=shown.error,
        custom_status=shown.custom_status,
        started_at=started_at,
        finished_at=finished_at,
        duration_s=(finished_at - started_at).total_seconds(),
    )


def _failure(error: Exception) -> Failure:
    printable = str(error).encode(errors="backslashreplace").decode()
    return Failure(type=type(error).__name__, message=printable)
