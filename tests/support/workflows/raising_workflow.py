"""Workflows whose code raises what it likes, where it likes, and yields what is no task."""

import asyncio
import sys
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any, Literal

from dapr.ext.workflow import (
    DaprWorkflowContext,
    RetryPolicy,
    TaskFailedError,
    WorkflowActivityContext,
    when_all,
    when_any,
)
from pydantic import BaseModel, model_serializer, model_validator

from usher import activity, workflow


class Speechless(Exception):
    """An exception whose text cannot be read."""

    def __str__(self) -> str:
        sys.exit("no text")


class LastOfAll(StopIteration):
    """Ends iterations."""


def _asserts() -> None:
    assert sys is None


def _never_ends() -> None:
    _never_ends()


def _raise(error: BaseException) -> Callable[[], None]:
    def raises() -> None:
        raise error

    return raises


RAISES: dict[str, Callable[[], None]] = {
    "SystemExit": lambda: sys.exit(3),
    "KeyboardInterrupt": _raise(KeyboardInterrupt()),
    "GeneratorExit": _raise(GeneratorExit()),
    "CancelledError": _raise(asyncio.CancelledError()),
    "BaseExceptionGroup": _raise(BaseExceptionGroup("two", [SystemExit(1), ValueError("inner")])),
    "ValueError": _raise(ValueError("cannot read caf\udce9.txt")),
    "Speechless": _raise(Speechless()),
    "AssertionError": _asserts,
    "StopAsyncIteration": _raise(StopAsyncIteration("done")),
    "RecursionError": _never_ends,
    "LookupError": _raise(LookupError("x" * 3_000_000)),
    "LastOfAll": _raise(LastOfAll("end")),
    "Größe": _raise(type("Größe", (Exception,), {})("odd")),
    "NoTask": _raise(type("NoTask", (BaseException,), {})("base")),
}
"""By the name of the type: a call that raises one."""


class Raising(BaseModel):
    """What is raised, and where."""

    what: str = "SystemExit"
    where: Literal["activity", "async", "first", "later", "finally", "task", "group"] = "activity"
    catch: bool = False
    attempts: int = 1


@activity
def raising_activity(_: WorkflowActivityContext, what: str) -> None:
    """Raise it."""
    RAISES[what]()


@activity
async def raising_async_activity(_: WorkflowActivityContext, given: Raising) -> None:
    """Raise it, from here, from a task that it awaits, or from a group of them."""

    async def raises() -> None:
        await asyncio.to_thread(int)
        RAISES[given.what]()

    if given.where == "async":
        await raises()
    if given.where == "task":
        task = asyncio.create_task(raises())
        if given.what == "CancelledError":
            task.cancel()
        await task
    if given.where == "group":
        async with asyncio.TaskGroup() as group:
            group.create_task(raises())
            group.create_task(asyncio.to_thread(int))


@workflow(example={"catch": True})
def raising_workflow(ctx: DaprWorkflowContext, input: Raising) -> Generator[Any, Any, Any]:  # noqa: A002
    """Raise it; or say what was caught."""
    policy = RetryPolicy(
        first_retry_interval=timedelta(milliseconds=100), max_number_of_attempts=input.attempts
    )
    if input.where == "first":
        RAISES[input.what]()
    try:
        if input.where == "activity":
            yield ctx.call_activity(raising_activity, input=input.what, retry_policy=policy)
        elif input.where in {"async", "task", "group"}:
            yield ctx.call_activity(raising_async_activity, input=input, retry_policy=policy)
        else:
            yield ctx.create_timer(timedelta(milliseconds=10))
            if input.where == "later":
                RAISES[input.what]()
    except TaskFailedError as error:
        if not input.catch:
            raise
        return {"type": error.details.error_type, "text": str(error)}
    finally:
        if input.where == "finally":
            RAISES[input.what]()


@workflow(example={"catch": True})
def raising_parent_workflow(ctx: DaprWorkflowContext, input: Raising) -> Generator[Any, Any, Any]:  # noqa: A002
    """Have a child of a child raise it."""
    return (yield ctx.call_child_workflow(raising_middle_workflow, input=input))


@workflow(announce=False, example={"catch": True})
def raising_middle_workflow(ctx: DaprWorkflowContext, input: Raising) -> Generator[Any, Any, Any]:  # noqa: A002
    """Have a child raise it."""
    return (yield ctx.call_child_workflow(raising_workflow, input=input))


class Bomb(BaseModel):
    """Raises when it is read or written."""

    at: Literal["reading", "writing", "never"] = "never"

    @model_validator(mode="after")
    def _read(self) -> "Bomb":
        if self.at == "reading":
            sys.exit("in a validator")
        return self

    @model_serializer
    def _write(self) -> dict[str, str]:
        if self.at == "writing":
            sys.exit("in a serializer")
        return {"at": self.at}


@workflow(example={})
def bomb_workflow(ctx: DaprWorkflowContext, input: Bomb) -> Generator[Any, Any, Bomb]:  # noqa: A002
    """Return the input."""
    yield ctx.create_timer(timedelta(0))
    return input


def _steps(ctx: DaprWorkflowContext) -> Generator[Any, Any, int]:
    yield ctx.create_timer(timedelta(0))
    return 1


async def _awaitable() -> int:
    return 1


def yielded_of(ctx: DaprWorkflowContext, kind: str) -> Any:
    """Return what is no task, or holds what is none."""
    timer = ctx.create_timer(timedelta(milliseconds=10))
    of_all: dict[str, Callable[[], Any]] = {
        "nothing": lambda: None,
        "list": lambda: [timer],
        "value": lambda: 17,
        "text": lambda: "go",
        "dict": lambda: {"timer": timer},
        "generator": lambda: _steps(ctx),
        "coroutine": _awaitable,
        "function": lambda: raising_activity,
        "when_all": lambda: when_all([timer, 17]),  # type: ignore[list-item]
        "when_any": lambda: when_any([timer, None]),  # type: ignore[list-item]
    }
    return of_all[kind]()


@workflow(example={"kind": "list", "catch": True})
def yielding_workflow(ctx: DaprWorkflowContext, input: dict[str, Any]) -> Generator[Any, Any, str]:  # noqa: A002
    """Yield what is no task, at once or after a first step."""
    if input.get("later"):
        yield ctx.create_timer(timedelta(milliseconds=10))
    try:
        yield yielded_of(ctx, input["kind"])
    except TypeError as error:
        if not input.get("catch"):
            raise
        yield ctx.create_timer(timedelta(milliseconds=10))
        return str(error)
    return "passed"


@activity
async def patient_activity(_: WorkflowActivityContext, seconds: float) -> str:
    """Wait for so long, and say so when it was cut off."""
    try:
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "cut off"
    except TimeoutError:
        return "waited"
    return "never"


@workflow(example=1)
def patient_workflow(ctx: DaprWorkflowContext, input: float) -> Generator[Any, Any, str]:  # noqa: A002
    """Return how the activity ended."""
    ctx.set_custom_status("begun")
    ended: str = yield ctx.call_activity(patient_activity, input=input)
    return ended


_KEPT: dict[str, Any] = {}


@workflow(example="mine")
def keeping_workflow(ctx: DaprWorkflowContext, input: str) -> Generator[Any, Any, str]:  # noqa: A002
    """Yield a task that an earlier run or turn left in a variable of the module."""
    task = _KEPT.setdefault(input, ctx.create_timer(timedelta(hours=1)))
    yield ctx.create_timer(timedelta(milliseconds=10))
    yield when_any([task, ctx.create_timer(timedelta(hours=2))])
    return "passed"
