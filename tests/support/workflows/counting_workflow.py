"""Workflows that write down what they did, in a file that no part of Usher touches."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow


class Tally(BaseModel):
    """Where to count, and how many events to take before ending."""

    file: str = "/dev/null"
    events: int = 0
    seconds: float = 30


@activity
def tally_activity(ctx: WorkflowActivityContext, noted: dict[str, str]) -> None:
    """Add a line: what was done, under which execution of the activity."""
    execution = ctx.get_inner_context().task_execution_id
    with Path(noted["file"]).open("a") as file:
        file.write(f"{noted['what']} {execution}\n")


@workflow(example={})
def counting_workflow(ctx: DaprWorkflowContext, input: Tally) -> Generator[Any, Any, list[Any]]:  # noqa: A002
    """Note the start, then each event `tick` with its data, until there were enough."""
    yield ctx.call_activity(tally_activity, input={"file": input.file, "what": "started"})
    got: list[Any] = []
    for _ in range(input.events):
        data = yield ctx.wait_for_external_event("tick", timeout=_patience(input))
        yield ctx.call_activity(tally_activity, input={"file": input.file, "what": f"tick:{data}"})
        got.append(data)
    return got


@workflow(example={})
def generations_workflow(ctx: DaprWorkflowContext, input: Tally) -> Generator[Any, Any, list[Any]]:  # noqa: A002
    """Take one event `tick` a generation, and start over until there were enough."""
    data = yield ctx.wait_for_external_event("tick", timeout=_patience(input))
    yield ctx.call_activity(tally_activity, input={"file": input.file, "what": f"tick:{data}"})
    if input.events <= 1:
        return [data]
    ctx.continue_as_new(input.model_copy(update={"events": input.events - 1}))
    return []


def _patience(tally: Tally) -> timedelta:
    return timedelta(seconds=tally.seconds)
