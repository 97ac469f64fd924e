"""The workflows of a storm. What their activities do is written where no part of Usher looks."""

import json
import os
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel, model_validator

from usher import Cancel, Deliver, Start, activity, workflow

TALLY = "executions.jsonl"
"""In the stack's data folder: a line for each time that an activity did its work."""

Steps = Generator[Any, Any, Any]


def routes(workflow: str) -> list[Start | Deliver | Cancel]:
    """Return the routes of a workflow of the storm: a run by its mark, and what comes for it."""
    return [
        Start("storm-runs", type=workflow, key="data.mark"),
        Deliver("storm-events", type=workflow, key="data.mark", event="tick", data="data.tick"),
        Cancel("storm-events", type=f"{workflow}.end", key="data.mark"),
    ]


class Storm(BaseModel):
    """`mark` is the id of the event that asks for the run."""

    mark: str = "nobody"
    seconds: float = 0
    events: int = 0
    generations: bool = False
    got: list[str] = []
    bug: bool = False

    @model_validator(mode="after")
    def _has_no_bug(self) -> Self:
        if self.bug:
            raise RuntimeError("a bug in the model of an input")
        return self


@activity
def storm_step(ctx: WorkflowActivityContext, done: dict[str, str]) -> str:
    """Do one step: append a line that is on the disk before this returns."""
    line = {
        "mark": done["mark"],
        "instance_id": ctx.workflow_id,
        "step": done["step"],
        "execution_id": ctx.get_inner_context().task_execution_id,
        "at": time.time(),
    }
    tally = os.open(
        Path(os.environ["USHER_STACK_DIR"]) / TALLY, os.O_WRONLY | os.O_APPEND | os.O_CREAT
    )
    try:
        os.write(tally, json.dumps(line).encode() + b"\n")
        os.fsync(tally)
    finally:
        os.close(tally)
    if done["step"] == "break":
        raise ValueError("broken, as it was asked for")
    return done["step"]


def _step(ctx: DaprWorkflowContext, storm: Storm, name: str) -> Any:
    return ctx.call_activity(storm_step, input={"mark": storm.mark, "step": name})


@workflow(example={}, on=routes("storm_chain_workflow"))
def storm_chain_workflow(ctx: DaprWorkflowContext, storm: Storm) -> Steps:
    """Three activities, one after the other."""
    done = []
    for name in ("one", "two", "three"):
        done.append((yield _step(ctx, storm, name)))
    return done


@workflow(example={}, on=routes("storm_timer_workflow"))
def storm_timer_workflow(ctx: DaprWorkflowContext, storm: Storm) -> Steps:
    """A timer between two activities."""
    before = yield _step(ctx, storm, "before")
    yield ctx.create_timer(timedelta(seconds=storm.seconds))
    return [before, (yield _step(ctx, storm, "after"))]


@workflow(example={}, on=routes("storm_events_workflow"))
def storm_events_workflow(ctx: DaprWorkflowContext, storm: Storm) -> Steps:
    """Wait for so many events, each in a generation of its own where that is asked for.

    With generations the first turn hands out no work, so that it is saved before any is done: then
    its time, which the notice has, came before all that the run did.
    """
    got = list(storm.got)
    if not got and storm.generations:
        yield ctx.create_timer(timedelta(0))
    if not got:
        yield _step(ctx, storm, "begun")
    while len(got) < storm.events:
        mark = yield ctx.wait_for_external_event("tick")
        yield _step(ctx, storm, f"got:{mark}")
        got.append(mark)
        if storm.generations and len(got) < storm.events:
            ctx.continue_as_new(storm.model_copy(update={"got": got}))
            return None
    return got


@workflow(example={}, on=routes("storm_failing_workflow"))
def storm_failing_workflow(ctx: DaprWorkflowContext, storm: Storm) -> Steps:
    """Fail in its activity."""
    yield _step(ctx, storm, "break")


@workflow(example={}, on=routes("storm_endless_workflow"))
def storm_endless_workflow(ctx: DaprWorkflowContext, storm: Storm) -> Steps:
    """Wait for what never comes, until it is terminated."""
    yield _step(ctx, storm, "begun")
    yield ctx.wait_for_external_event("never")
