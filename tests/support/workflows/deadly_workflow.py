"""Workflows and activities that end their process, or block it."""

import asyncio
import ctypes
import os
import signal
import threading
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from dapr.ext.workflow import DaprWorkflowContext, RetryPolicy, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow

How = Literal["lives", "exit", "kill", "segfault"]


class Deadly(BaseModel):
    """How the process ends, and where."""

    how: How = "lives"
    where: Literal["activity", "async", "body", "late"] = "activity"
    caught: bool = False
    attempts: int = 1


class Slow(BaseModel):
    """How long to take, and where each beginning is noted."""

    seconds: float = 0
    file: Path = Path("/dev/null")
    asynchronous: bool = False
    times: int = 1


def end_it(how: str) -> None:
    """End the process by other means than an exception."""
    match how:
        case "exit":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            ctypes.string_at(0)


@activity
def deadly_activity(_: WorkflowActivityContext, how: str) -> str:
    """End the process, or say that it lives."""
    end_it(how)
    return "alive"


@activity
async def deadly_async_activity(_: WorkflowActivityContext, how: str) -> str:
    """Do the same after it has waited once."""
    await asyncio.to_thread(len, how)
    end_it(how)
    return "alive"


@activity
def slow_activity(_: WorkflowActivityContext, input: dict[str, Any]) -> str:  # noqa: A002
    """Note that it began, and take its time."""
    with Path(input["file"]).open("a") as file:
        file.write("began\n")
    threading.Event().wait(input["seconds"])
    return "slow"


@activity
async def blocking_async_activity(_: WorkflowActivityContext, input: dict[str, Any]) -> str:  # noqa: A002
    """Block its event loop, as nobody should."""
    threading.Event().wait(input["seconds"])
    return "slow"


@workflow(example={})
def deadly_workflow(
    ctx: DaprWorkflowContext,
    input: Deadly,  # noqa: A002
) -> Generator[Any, Any, str]:
    """End the process in an activity, in an async one, or in its own code."""
    if input.where == "body":
        end_it(input.how)
    if input.where == "late":
        yield ctx.create_timer(timedelta(milliseconds=1))
        end_it(input.how)
    called = deadly_async_activity if input.where == "async" else deadly_activity
    how = input.how if input.where in ("activity", "async") else "lives"
    retries = RetryPolicy(
        first_retry_interval=timedelta(milliseconds=100), max_number_of_attempts=input.attempts
    )
    try:
        return str((yield ctx.call_activity(called, input=how, retry_policy=retries)))
    except Exception as error:
        if not input.caught:
            raise
        return f"caught: {error}"


@workflow(example={})
def slow_workflow(
    ctx: DaprWorkflowContext,
    input: Slow,  # noqa: A002
) -> Generator[Any, Any, list[str]]:
    """Have slow activities run beside each other."""
    called = blocking_async_activity if input.asynchronous else slow_activity
    asked = {"seconds": input.seconds, "file": str(input.file)}
    tasks = [ctx.call_activity(called, input=asked) for _ in range(input.times)]
    results = []
    for task in tasks:
        results.append((yield task))
    return results
