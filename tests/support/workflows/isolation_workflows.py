"""Workflows that the engine stops, and one whose turn does not return."""

import threading
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext

from usher import activity, workflow

GATES: dict[str, threading.Event] = {}
"""By instance: what opens a turn that does not return."""


@workflow(example={"marker": "/nowhere"})
def patched_workflow(ctx: DaprWorkflowContext, given: dict[str, str]) -> Generator[Any, Any, Any]:
    """Be patched while a file is not there; once it is, the engine stalls a run that was."""
    if not Path(given["marker"]).exists():
        ctx.is_patched("night")
    paid = yield ctx.wait_for_external_event("paid")
    seen = yield ctx.wait_for_external_event("seen")
    return [paid, seen]


@activity
def fill_activity(_: WorkflowActivityContext, characters: int) -> str:
    """Return so many characters."""
    return "x" * characters


@workflow(example=1)
def heavy_workflow(ctx: DaprWorkflowContext, results: int) -> Generator[Any, Any, str]:
    """Fill the history with results of a megabyte each, more than the engine takes, then wait."""
    for _ in range(results):
        yield ctx.call_activity(fill_activity, input=1_000_000)
    yield ctx.wait_for_external_event("paid")
    return "done"


@activity
def open_activity(_: WorkflowActivityContext, instance_id: str) -> None:
    """Let the turn of an instance return."""
    GATES.setdefault(instance_id, threading.Event()).set()


@workflow(example="nobody")
def opening_workflow(ctx: DaprWorkflowContext, blocked: str) -> Generator[Any, Any, None]:
    """Let the turn of another instance return."""
    yield ctx.call_activity(open_activity, input=blocked)


@workflow()
def blocked_workflow(ctx: DaprWorkflowContext) -> Generator[Any, Any, Any]:
    """Not return from a turn until `opening_workflow` lets it, then wait for an event."""
    gate = GATES.setdefault(ctx.instance_id, threading.Event())
    if not ctx.is_replaying:
        gate.wait(120)
    return (yield ctx.wait_for_external_event("paid"))


@workflow(announce=False)
def called_workflow(ctx: DaprWorkflowContext) -> Generator[Any, Any, Any]:
    """Wait for an event, as the child of another."""
    return (yield ctx.wait_for_external_event("paid"))


@workflow()
def calling_workflow(ctx: DaprWorkflowContext) -> Generator[Any, Any, Any]:
    """Call a child that gets its id from the engine."""
    return (yield ctx.call_child_workflow(called_workflow))


@workflow()
def stuck_workflow(ctx: DaprWorkflowContext) -> Generator[Any, Any, None]:
    """Never come to a `yield` after the first, nor return."""
    yield ctx.create_timer(timedelta(milliseconds=1))
    threading.Event().wait(600)
