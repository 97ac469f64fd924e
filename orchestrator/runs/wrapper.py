"""Wraps a workflow so that its last step announces how it ended."""

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

AT_ONCE = 256 * 1024
"""Most characters of a notice that the last turn publishes. One character may be twelve bytes for
the engine, which refuses a turn of more than 4 MiB."""
Tell = Callable[[WorkflowCompleted, Cause], bool]
"""Publishes a notice and notes it while the turn waits; returns False where it could not."""

_log = structlog.get_logger()


def wrapped(
    definition: Definition, tell: Tell, code: str | None = None
) -> Callable[[DaprWorkflowContext, Any], WorkflowGenerator]:
    """Return the function to register with the runtime for this workflow.

    A run that began with other code than `code`, and whose history does not fit, is stalled: it
    goes on once its code is back. A run that began with `code` fails, as its code is at fault.
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
            author = _author(definition, context.as_sdk_context(), value)
            returned = yield from context.drive(author, definition.name)
            output, _ = guarded(
                fitted, returned, f"the output of {definition.name}", MAX_RESULT_BYTES
            )
        except Exception as raised:
            error = failure(raised)
        if definition.tag.announce and not context.continued and not context.is_over:
            notice = of_turn(ctx, definition.name, cause, context.custom_status, output, error)
            notice = fitting(notice)
            if not (_may_be_told(context, cause, notice) and tell(notice, context.carried())):
                yield from _announce(ctx, context.carried(), notice)
        if error:
            if fail_again:
                fail_again()
            raise error
        return output

    run.__name__ = definition.name
    return run


def _may_run(ctx: DaprWorkflowContext, cause: Cause) -> WorkflowGenerator:
    """Return whether this run may go on as the only run of its event.

    A first attempt within its lease has no rival. For any other the fence decides.
    """
    if cause.key is None or cause.claimed_at is None or cause.started_at is not None:
        return True
    late = ctx.current_utc_datetime.replace(tzinfo=UTC) - cause.claimed_at
    if cause.attempt == 1 and late < LEASE:
        return True
    asked = {"key": cause.key, "attempt": cause.attempt}
    return (yield ctx.call_activity(FENCE, input=asked, retry_policy=RETRY_POLICY))


def _author(definition: Definition, ctx: DaprWorkflowContext, value: Any) -> WorkflowGenerator:
    """Run the author's generator. An input that does not fit fails the run."""
    parsed = definition.parse(value, by_name=True)
    arguments = (ctx, parsed) if definition.takes_input else (ctx,)
    return (yield from definition.function(*arguments))


def _may_be_told(context: RunContext, cause: Cause, notice: WorkflowCompleted) -> bool:
    """Return whether the turn itself may publish; it does so again if the engine repeats it.

    A replayed turn never publishes: it schedules the activity, again or for the first time.
    """
    return (
        not context.is_replaying
        and cause.key is not None  # else the id of the notice depends on the time of the turn
        and not context.has_patches  # if they differ from the code, the engine stalls the run
        and len(notice.model_dump_json()) <= AT_ONCE
    )


def _announce(
    ctx: DaprWorkflowContext, cause: Cause, notice: WorkflowCompleted
) -> WorkflowGenerator:
    """Publish by an activity. If every attempt fails, the outcome of the workflow is the same."""
    news = {"cause": cause.model_dump(mode="json"), "notice": notice.model_dump(mode="json")}
    try:
        yield ctx.call_activity(ANNOUNCE, input=news, retry_policy=RETRY_POLICY)
    except Exception as error:
        _log.error("not announced", instance_id=ctx.instance_id, error=str(error))
