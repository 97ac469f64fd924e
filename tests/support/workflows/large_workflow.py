"""Workflows whose values are large, each at another place."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Literal

from dapr.ext.workflow import (
    DaprWorkflowContext,
    RetryPolicy,
    WorkflowActivityContext,
    when_all,
)
from pydantic import BaseModel

from usher import activity, workflow

Place = Literal[
    "input",
    "result",
    "child",
    "child_result",
    "again",
    "status",
    "output",
    "error",
    "turn",
]


class Large(BaseModel):
    """Where something large goes, how large it is, and whether the refusal of it is caught."""

    where: Place = "input"
    size: int = 10
    count: int = 1
    letter: str = "x"
    catch: bool = False
    round: int = 0
    text: str = ""


@activity
def measure_activity(_: WorkflowActivityContext, text: str) -> int:
    """Return its length."""
    return len(text)


@activity
def repeat_activity(_: WorkflowActivityContext, given: Large) -> str:
    """Return something large."""
    return given.letter * given.size


@workflow(announce=False, example={})
def large_child_workflow(ctx: DaprWorkflowContext, input: Large) -> Generator[Any, Any, Any]:  # noqa: A002
    """Return something large, or the length of what it got."""
    yield ctx.create_timer(timedelta(0))
    return input.letter * input.size if input.where == "child_result" else len(input.text)


def _place(ctx: DaprWorkflowContext, given: Large) -> Generator[Any, Any, Any]:
    large = given.letter * (0 if given.where in {"result", "child_result"} else given.size)
    policy = RetryPolicy(first_retry_interval=timedelta(seconds=60), max_number_of_attempts=5)
    match given.where:
        case "input":
            return (yield ctx.call_activity(measure_activity, input=large, retry_policy=policy))
        case "result":
            called = ctx.call_activity(repeat_activity, input=given, retry_policy=policy)
            return len((yield called))
        case "child":
            text = given.model_copy(update={"text": large})
            return (yield ctx.call_child_workflow(large_child_workflow, input=text))
        case "child_result":
            called = ctx.call_child_workflow(large_child_workflow, input=given, retry_policy=policy)
            return len((yield called))
        case "again":
            if given.round:
                return len(given.text)
            ctx.continue_as_new(given.model_copy(update={"text": large, "round": 1}))
            return None
        case "status":
            ctx.set_custom_status(large)
        case "error":
            raise LookupError(large)
        case "turn":
            calls = [ctx.call_activity(measure_activity, input=large) for _ in range(given.count)]
            return sum((yield when_all(calls)))
    return large


@workflow(example={})
def large_workflow(ctx: DaprWorkflowContext, input: Large) -> Generator[Any, Any, Any]:  # noqa: A002
    """Have something large somewhere; return its length, or what refused it."""
    yield ctx.create_timer(timedelta(0))
    try:
        return (yield from _place(ctx, input))
    except ValueError as error:
        if not input.catch:
            raise
        yield ctx.call_activity(measure_activity, input="small")
        return str(error)


@workflow(example=10)
def status_workflow(ctx: DaprWorkflowContext, input: int) -> Generator[Any, Any, None]:  # noqa: A002
    """Show a status of that size, and wait for an event."""
    ctx.set_custom_status("s" * input)
    yield ctx.wait_for_external_event("go")


@workflow(example=3)
def deep_workflow(ctx: DaprWorkflowContext, input: int) -> Generator[Any, Any, Any]:  # noqa: A002
    """Return lists in lists, so many levels deep."""
    yield ctx.create_timer(timedelta(0))
    value: Any = []
    for _ in range(input):
        value = [value]
    return value
