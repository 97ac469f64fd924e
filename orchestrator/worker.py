"""The workflow worker: registers every workflow and activity with the Dapr runtime."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext, WorkflowRuntime
from dapr.ext.workflow.logger import LoggerOptions

from contracts.events import WorkflowCompleted
from orchestrator.announced import ANNOUNCE, FENCE, RETRY_POLICY, wrapped
from orchestrator.catalogue import Catalogue
from orchestrator.envelope import Cause
from orchestrator.parking import EXPIRE, SETTLE

QUIET = LoggerOptions(log_level="ERROR")
"""The SDK logs a line a turn; ours say the same once, with the event's id."""


@dataclass(frozen=True)
class Steps:
    """What our own activities do."""

    announce: Callable[[WorkflowCompleted, Cause], None]
    may_run: Callable[[str, int], bool]
    expire: Callable[[str], None]


def build_runtime(catalogue: Catalogue, steps: Steps) -> WorkflowRuntime:
    """Return a runtime that hosts the catalogue; each workflow announces its own end."""
    runtime = WorkflowRuntime(logger_options=QUIET)

    def announce_completion(_: WorkflowActivityContext, news: dict[str, Any]) -> None:
        notice = WorkflowCompleted.model_validate(news["notice"])
        steps.announce(notice, Cause.model_validate(news["cause"]))

    def claim_run(_: WorkflowActivityContext, asked: dict[str, Any]) -> bool:
        return steps.may_run(asked["key"], asked["attempt"])

    def settle_expired(_: WorkflowActivityContext, key: str) -> None:
        steps.expire(key)

    def usher_expire(ctx: DaprWorkflowContext, key: str) -> Generator[Any, Any, None]:
        yield ctx.call_activity(SETTLE, input=key, retry_policy=RETRY_POLICY)

    runtime.register_activity(announce_completion, name=ANNOUNCE)
    runtime.register_activity(claim_run, name=FENCE)
    runtime.register_activity(settle_expired, name=SETTLE)
    runtime.register_workflow(usher_expire, name=EXPIRE)
    for name, function in catalogue.activities.items():
        runtime.register_activity(function, name=name)
    for name, definition in catalogue.workflows.items():
        runtime.register_workflow(wrapped(definition), name=name)
    return runtime
