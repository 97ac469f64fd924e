"""Wraps a workflow so that its last turn announces its ending."""

from collections.abc import Callable
from datetime import UTC
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext

from contracts.events import WorkflowCompleted
from orchestrator.engine.envelope import Cause, unseal
from orchestrator.engine.stalling import stall_where_code_differs
from orchestrator.ledger.records import LEASE
from orchestrator.runs.completion import fitting, of_turn
from orchestrator.runs.context import RunContext, WorkflowGenerator
from orchestrator.runs.definition import Definition
from orchestrator.runs.failures import failure, guarded
from orchestrator.runs.payload import MAX_RESULT_BYTES, fitted
from orchestrator.runs.reserved import ANNOUNCE, FENCE
from orchestrator.runs.tasks import RETRY_POLICY

IN_TURN_CHARACTERS = 256 * 1024
"""The largest notice that the last turn publishes, in characters. One character may be twelve bytes
for the engine, which refuses a turn of more than 4 MiB."""
AnnounceInTurn = Callable[[WorkflowCompleted, Cause], bool]
"""Publishes a notice and records the ending while the turn waits. Returns False if it failed."""

_log = structlog.get_logger()


def wrapped(
    definition: Definition, announce_in_turn: AnnounceInTurn, code: str | None = None
) -> Callable[[DaprWorkflowContext, Any], WorkflowGenerator]:
    """Return the function to register with the runtime for this workflow.

    If the history of a run does not fit its code, and the run began with other code than `code`, it
    stalls until that code is back. If it began with `code`, it fails: the code is wrong.
    """

    def run(ctx: DaprWorkflowContext, stored: Any = None) -> WorkflowGenerator:
        cause, value = unseal(stored)
        fail_again = stall_where_code_differs(ctx) if cause.code != code else None
        began = ctx.current_utc_datetime.replace(tzinfo=UTC)
        if not (yield from _may_run(ctx, cause)):
            return {"duplicate": cause.event_id}
        cause = cause.model_copy(update={"started_at": cause.started_at or began})
        context = RunContext(ctx, cause, code)
        output: Any = None
        error: Exception | None = None
        try:
            author = _author(definition, context.as_sdk_context(), value, cause)
            returned = yield from context.drive(author, definition.name)
            output, _ = guarded(
                fitted, returned, f"the output of {definition.name}", MAX_RESULT_BYTES
            )
        except Exception as raised:
            error = failure(raised)
        if definition.tag.announce and not context.continued and not context.is_over:
            notice = of_turn(ctx, definition.name, cause, context.custom_status, output, error)
            notice = fitting(notice)
            current = context.current_cause()
            if not (_may_publish(context, cause, notice) and announce_in_turn(notice, current)):
                yield from _announce(ctx, current, notice)
        if error:
            if fail_again:
                fail_again()
            raise error
        return output

    run.__name__ = definition.name
    return run


def _may_run(ctx: DaprWorkflowContext, cause: Cause) -> WorkflowGenerator:
    """Return whether this run is the only run of its event.

    A first attempt within its lease has no rival. For any other attempt, the ledger decides.
    """
    if cause.key is None or cause.claimed_at is None or cause.started_at is not None:
        return True
    late = ctx.current_utc_datetime.replace(tzinfo=UTC) - cause.claimed_at
    if cause.attempt == 1 and late < LEASE:
        return True
    attempt = {"key": cause.key, "attempt": cause.attempt}
    return (yield ctx.call_activity(FENCE, input=attempt, retry_policy=RETRY_POLICY))


def _author(
    definition: Definition, ctx: DaprWorkflowContext, value: Any, cause: Cause
) -> WorkflowGenerator:
    """Run the author's generator. An input that does not fit fails the run."""
    parsed = definition.parse(value, by_name=True, tolerant=cause.route is not None)
    arguments = (ctx, parsed) if definition.takes_input else (ctx,)
    return (yield from definition.function(*arguments))


def _may_publish(context: RunContext, cause: Cause, notice: WorkflowCompleted) -> bool:
    """Return whether the turn itself may publish. It publishes again if the engine repeats it.

    A replayed turn never publishes: it schedules the activity, again or for the first time.
    """
    return (
        not context.is_replaying
        and cause.key is not None  # without a key, the notice's id depends on the turn's time
        and not context.has_patches  # the engine stalls the run if its patches differ from the code
        and len(notice.model_dump_json()) <= IN_TURN_CHARACTERS
    )


def _announce(
    ctx: DaprWorkflowContext, cause: Cause, notice: WorkflowCompleted
) -> WorkflowGenerator:
    """Publish by an activity. If every attempt fails, the outcome of the workflow is the same."""
    values = {"cause": cause.model_dump(mode="json"), "notice": notice.model_dump(mode="json")}
    try:
        yield ctx.call_activity(ANNOUNCE, input=values, retry_policy=RETRY_POLICY)
    except Exception as error:
        _log.error("ending not announced", instance_id=ctx.instance_id, error=str(error))
