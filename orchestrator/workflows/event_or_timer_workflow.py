"""A workflow that asks again while nobody answers: an event and a timer, whichever is first."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext, when_any
from pydantic import BaseModel, Field

from usher import activity, workflow


class Question(BaseModel):
    """What is asked, how often again, and how long each time waits."""

    question: str = "are you there?"
    reminders: int = Field(2, ge=0)
    every_seconds: float = Field(20, gt=0)


@activity
def remind_activity(ctx: WorkflowActivityContext, question: str) -> None:
    """Ask again; a real one would send a message."""
    log = structlog.get_logger()
    log.info("asked again", workflow_id=ctx.workflow_id, task_id=ctx.task_id, question=question)


@workflow(example={"question": "are you there?", "reminders": 2, "every_seconds": 20})
def event_or_timer_workflow(
    ctx: DaprWorkflowContext, input: Question
) -> Generator[Any, Any, dict[str, Any]]:
    """Wait for the event `answer`; each time the timer is first, send a reminder and wait on.

    Look at `answer`: one wait, made before the loop and used in every round. In Dapr a wait that
    lost a `when_any` still stands and takes the next event of its name, so a new one each round
    would miss the answer. The same holds for a `when_any` of two events: keep both waits, and ask
    which one `is` first. For a deadline alone there is `wait_for_external_event(name, timeout=…)`,
    which leaves nothing behind.
    """
    answer = ctx.wait_for_external_event("answer")
    for reminders in range(input.reminders + 1):
        if reminders:
            yield ctx.call_activity(remind_activity, input=input.question)
        ctx.set_custom_status(f"waiting for answer, {reminders} reminders sent")
        timer = ctx.create_timer(timedelta(seconds=input.every_seconds))
        first = yield when_any([answer, timer])
        if first is answer:
            return {"answer": answer.get_result(), "reminders": reminders}
    return {"answer": None, "reminders": input.reminders}
