"""A workflow whose activity fails and is tried again: a retry policy, and attempts counted."""

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import structlog
from dapr.clients import DaprClient
from dapr.ext.workflow import DaprWorkflowContext, RetryPolicy, WorkflowActivityContext
from pydantic import BaseModel, Field

from usher import activity, workflow

STATESTORE = "statestore"
RETRY = RetryPolicy(
    first_retry_interval=timedelta(seconds=1),
    max_number_of_attempts=3,
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=10),
    retry_timeout=timedelta(seconds=100),
)


class Failures(BaseModel):
    """How often the activity fails before it works."""

    failures: int = Field(2, ge=0)


def count_attempt(client: DaprClient, ctx: WorkflowActivityContext) -> int:
    """Return which attempt this is, from 1. It is kept in the state store for an hour.

    `task_execution_id` is the same for all attempts of one call, `task_id` is each attempt's own:
    an attempt that runs twice because its worker died is counted once.
    """
    key = f"attempts-{ctx.get_inner_context().task_execution_id}"
    attempts: list[int] = json.loads(client.get_state(STATESTORE, key).data or b"[]")
    if ctx.task_id not in attempts:
        attempts.append(ctx.task_id)
        kept = json.dumps(attempts)
        client.save_state(STATESTORE, key, kept, state_metadata={"ttlInSeconds": "3600"})
    return attempts.index(ctx.task_id) + 1


@activity
def flaky_activity(ctx: WorkflowActivityContext, failures: int) -> dict[str, Any]:
    """Fail `failures` times, then work."""
    with DaprClient() as client:
        attempt = count_attempt(client, ctx)
    log = structlog.get_logger().bind(workflow_id=ctx.workflow_id, task_id=ctx.task_id)
    if attempt <= failures:
        log.warning("the attempt failed", attempt=attempt)
        raise RuntimeError(f"attempt {attempt} failed")
    log.info("the attempt worked", attempt=attempt)
    return {"result": f"attempt {attempt} worked", "attempts": attempt}


@workflow(example={"failures": 2})
def retry_workflow(
    ctx: DaprWorkflowContext, input: Failures
) -> Generator[Any, Any, dict[str, Any]]:
    """Call an activity that fails, at most three times, 1 s and then 2 s apart.

    Look at the history: each attempt is scheduled anew, and a durable timer waits between two, so
    a restart loses neither. Two failures succeed on the last attempt; three fail for good, and the
    workflow ends with the error of the last.
    """
    worked = yield ctx.call_activity(flaky_activity, input=input.failures, retry_policy=RETRY)
    return {"flaky_result": worked["result"], "attempts": worked["attempts"]}
