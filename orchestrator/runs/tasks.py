"""Checks the tasks that an author yields, and names them in their errors."""

import inspect
from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import RetryPolicy

from orchestrator.engine.sdk import Task, with_never_retried
from orchestrator.runs.failures import bounded, with_type

NEVER_RETRIED = ("PayloadTooLarge", "InvalidInput", "TaskDied")
"""Failures that every attempt repeats."""
_SHOWN = 60
RETRY_POLICY = RetryPolicy(
    first_retry_interval=timedelta(seconds=1),
    max_number_of_attempts=8,
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=30),
)
"""Policy of Usher's own activities, which need the store or the broker."""

BARE = "a bare `yield` waits for nothing: write `yield ctx.call_activity(...)`"
SEVERAL = "a {kind} is no task: write `yield when_all([...])` to wait for several tasks"
GENERATOR = "a generator is no task: write `yield from` to run its steps here"
AWAITABLE = "a {kind} is no task: a workflow awaits nothing; do it in an activity"
UNCALLED = (
    "the function {name} is no task: write `yield ctx.{name}(...)` for a method of the context, "
    "`yield ctx.call_activity({name}, input=...)` for an activity"
)
VALUE = (
    "a {kind} is no task: yield what ctx.call_activity, ctx.create_timer and their like return, or "
    "when_all([...])"
)


def refusal(yielded: Any, context: object) -> str | None:
    """Return what is wrong with a yielded value, or None if it is a task of this run."""
    if not isinstance(yielded, Task):
        return _no_task(yielded)
    if any(_maker(task) not in (None, context) for task in _pending(yielded)):
        return (
            "this task belongs to another run or an earlier turn, so it never completes here: "
            "keep tasks in local variables of the workflow"
        )
    return None


def made_by(task: Any, context: object) -> Any:
    """Mark a task with the context that made it, to detect tasks of other runs."""
    task.usher_maker = context
    return task


def named(task: Any, what: str) -> Any:
    """Make the error of a task name the task and the type of the exception.

    The SDK fails a task through `fail`. The details of the failure stay as they are.
    """
    fail = task.fail

    def fail_with_name(_: str, details: Any) -> None:
        message = with_type(details.errorType, details.errorMessage)
        nested = details.errorType == "TaskFailedError" and " failed: " in details.errorMessage
        fail(f"{what} failed: {details.errorMessage if nested else message}", details)

    task.fail = fail_with_name
    return task


def never_retrying(policy: RetryPolicy | None) -> RetryPolicy | None:
    """Return a retry policy that does not retry failures in `NEVER_RETRIED`."""
    return policy and with_never_retried(policy, NEVER_RETRIED)


def _no_task(yielded: Any) -> str:
    if inspect.iscoroutine(yielded):
        yielded.close()
    kind = bounded(type(yielded).__name__, _SHOWN)
    match yielded:
        case None:
            return BARE
        case list() | tuple() | set() | frozenset() | dict():
            return SEVERAL.format(kind=kind)
        case Generator():
            return GENERATOR
    if inspect.isawaitable(yielded) or inspect.isasyncgen(yielded):
        return AWAITABLE.format(kind=kind)
    if callable(yielded):
        return UNCALLED.format(name=bounded(getattr(yielded, "__name__", kind), _SHOWN))
    return VALUE.format(kind=kind)


def _pending(task: Task[Any]) -> list[Task[Any]]:
    """Return the incomplete tasks in a task, without those that only combine others."""
    if task.is_complete:
        return []
    if _maker(task) is None and hasattr(task, "get_tasks"):
        return [inner for child in task.get_tasks() for inner in _pending(child)]
    return [task]


def _maker(task: Any) -> Any:
    return getattr(task, "usher_maker", None)
