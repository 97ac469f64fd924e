"""Tasks as an author may yield them: what else is yielded is refused, what fails is named."""

import inspect
from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import RetryPolicy

# What `isinstance` is asked about; the SDK exports no name for it.
from dapr.ext.workflow._durabletask.task import RetryPolicy as InnerRetryPolicy
from dapr.ext.workflow._durabletask.task import Task

from orchestrator.runs.failures import bounded, with_type

NEVER_RETRIED = ("PayloadTooLarge", "InvalidInput", "TaskDied")
"""Failures that come again with each attempt."""
_SHOWN = 60
RETRY_POLICY = RetryPolicy(
    first_retry_interval=timedelta(seconds=1),
    max_number_of_attempts=8,
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=30),
)
"""Of our own activities, which need the store or the broker."""

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
    """Say what is wrong with what an author yielded; None where it is a task to wait for."""
    if not isinstance(yielded, Task):
        return _no_task(yielded)
    if any(_maker(task) not in (None, context) for task in _pending(yielded)):
        return (
            "this task belongs to another run or an earlier turn, so it never completes here: "
            "keep tasks in local variables of the workflow"
        )
    return None


def made_by(task: Any, context: object) -> Any:
    """Note whose task it is, so that it is told from one of another run."""
    task.usher_maker = context
    return task


def named(task: Any, what: str) -> Any:
    """Have a task that fails say what it was and the type of what was raised there.

    The SDK completes a task by its `fail`; what it hands over as details stays as it is.
    """
    fail = task.fail

    def fail_with_name(_: str, details: Any) -> None:
        said = with_type(details.errorType, details.errorMessage)
        nested = details.errorType == "TaskFailedError" and " failed: " in details.errorMessage
        fail(f"{what} failed: {details.errorMessage if nested else said}", details)

    task.fail = fail_with_name
    return task


def once(policy: RetryPolicy | None) -> RetryPolicy | None:
    """Return a retry policy that does not repeat what fails the same way each time."""
    if policy is None:
        return None
    inner = policy.obj
    patient = RetryPolicy(
        first_retry_interval=policy.first_retry_interval,
        max_number_of_attempts=policy.max_number_of_attempts,
        backoff_coefficient=policy.backoff_coefficient,
        max_retry_interval=policy.max_retry_interval,
        retry_timeout=policy.retry_timeout,
    )
    patient._obj = InnerRetryPolicy(
        first_retry_interval=inner.first_retry_interval,
        max_number_of_attempts=inner.max_number_of_attempts,
        backoff_coefficient=inner.backoff_coefficient,
        max_retry_interval=inner.max_retry_interval,
        retry_timeout=inner.retry_timeout,
        non_retryable_error_types=[*(inner.non_retryable_error_types or ()), *NEVER_RETRIED],
    )
    return patient


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
    """Return the tasks in a task that somebody made and that have not completed."""
    if task.is_complete:
        return []
    if _maker(task) is None and hasattr(task, "get_tasks"):
        return [one for child in task.get_tasks() for one in _pending(child)]
    return [task]


def _maker(task: Any) -> Any:
    return getattr(task, "usher_maker", None)
