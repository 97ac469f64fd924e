"""The workflow worker: registers every workflow and activity with the Dapr runtime."""

from typing import Any

from dapr.ext.workflow import WorkflowActivityContext, WorkflowRuntime
from dapr.ext.workflow.logger import LoggerOptions

from contracts.events import WorkflowCompleted
from orchestrator.announced import ANNOUNCE, wrapped
from orchestrator.catalogue import Catalogue
from orchestrator.outbox import Outbox

QUIET = LoggerOptions(log_level="ERROR")
"""The SDK logs a line a turn; ours say the same once, with the event's id."""


def build_runtime(catalogue: Catalogue, outbox: Outbox) -> WorkflowRuntime:
    """Return a runtime that hosts the catalogue; each workflow announces its own end."""
    runtime = WorkflowRuntime(logger_options=QUIET)

    def announce_completion(_: WorkflowActivityContext, news: dict[str, Any]) -> None:
        notice = WorkflowCompleted.model_validate(news["notice"])
        outbox.completed(notice, news["cause"])

    runtime.register_activity(announce_completion, name=ANNOUNCE)
    for name, function in catalogue.activities.items():
        runtime.register_activity(function, name=name)
    for name, definition in catalogue.workflows.items():
        runtime.register_workflow(wrapped(definition), name=name)
    return runtime
