"""Wraps a workflow so that its last step says how it ended; its outcome stays its own."""

from collections.abc import Callable, Generator
from datetime import UTC, timedelta
from typing import Any, cast

import structlog
from dapr.ext.workflow import DaprWorkflowContext, RetryPolicy
from pydantic_core import to_jsonable_python

from contracts.events import Failure, Outcome, WorkflowCompleted
from orchestrator.definition import Definition
from orchestrator.envelope import Cause, seal, unseal

ANNOUNCE = "announce_completion"
"""The activity that publishes; the name is reserved."""

_log = structlog.get_logger()
_RETRY = RetryPolicy(
    first_retry_interval=timedelta(seconds=1),
    max_number_of_attempts=8,
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=30),
)

Run = Generator[Any, Any, Any]


class RunContext:
    """The SDK's own context, which also keeps the envelope over `continue_as_new`."""

    def __init__(self, ctx: DaprWorkflowContext, cause: Cause) -> None:
        self._ctx = ctx
        self._cause = cause
        self.continued = False
        self.custom_status: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    def set_custom_status(self, custom_status: str) -> None:
        self.custom_status = custom_status
        self._ctx.set_custom_status(custom_status)

    def continue_as_new(self, new_input: Any, *, save_events: bool = False) -> None:
        self.continued = True
        sealed = seal(self._cause, to_jsonable_python(new_input))
        self._ctx.continue_as_new(sealed, save_events=save_events)


def wrapped(definition: Definition) -> Callable[[DaprWorkflowContext, Any], Run]:
    """Return the function to register with the runtime for this workflow."""

    def run(ctx: DaprWorkflowContext, stored: Any = None) -> Run:
        cause, value = unseal(stored)
        started_at = cause.started_at or ctx.current_utc_datetime.replace(tzinfo=UTC)
        context = RunContext(ctx, cause.model_copy(update={"started_at": started_at}))
        output: Any = None
        error: Exception | None = None
        try:
            result = yield from _author(definition, cast(DaprWorkflowContext, context), value)
            output = to_jsonable_python(result)
        except Exception as raised:
            error = raised
        if definition.tag.announce and not context.continued:
            finished_at = ctx.current_utc_datetime.replace(tzinfo=UTC)
            notice = WorkflowCompleted(
                instance_id=ctx.instance_id,
                workflow=definition.name,
                outcome=Outcome.FAILED if error else Outcome.COMPLETED,
                output=output,
                error=Failure(type=type(error).__name__, message=str(error)) if error else None,
                custom_status=context.custom_status,
                started_at=started_at,
                finished_at=finished_at,
                duration_s=max((finished_at - started_at).total_seconds(), 0),
            )
            yield from _announce(ctx, cause, notice)
        if error:
            raise error
        return output

    run.__name__ = definition.name
    return run


def _author(definition: Definition, ctx: DaprWorkflowContext, value: Any) -> Run:
    """Run the author's generator; an input that does not fit fails the run, and is announced."""
    parsed = definition.parse(value)
    arguments = (ctx, parsed) if definition.takes_input else (ctx,)
    return (yield from definition.function(*arguments))


def _announce(ctx: DaprWorkflowContext, cause: Cause, notice: WorkflowCompleted) -> Run:
    """Publish through an activity; when every attempt failed, the workflow still ends its way."""
    news = {"cause": cause.event_id, "notice": notice.model_dump(mode="json")}
    try:
        yield ctx.call_activity(ANNOUNCE, input=news, retry_policy=_RETRY)
    except Exception as error:
        if not ctx.is_replaying:
            _log.error("not announced", instance_id=ctx.instance_id, error=str(error))
