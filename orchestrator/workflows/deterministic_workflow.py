"""A workflow that makes a time stamp and an id: asked of the context, a replay makes the same."""

from collections.abc import Generator
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow


class Note(BaseModel):
    """What to note down."""

    text: str = "a note"


@activity
def note_activity(ctx: WorkflowActivityContext, made: dict[str, str]) -> dict[str, str]:
    """Keep what the workflow made, and hand it back as it was kept."""
    log = structlog.get_logger()
    log.info("noted", workflow_id=ctx.workflow_id, task_id=ctx.task_id, **made)
    return made


@workflow(example={"text": "a note"})
def deterministic_workflow(
    ctx: DaprWorkflowContext, input: Note
) -> Generator[Any, Any, dict[str, Any]]:
    """Make a time stamp and a guid, hand them to an activity, and compare when it comes back.

    Look at `same_on_replay`: between the two lines around the `yield`, the engine has run this
    function again from its first line. `ctx.current_utc_datetime` and `ctx.new_guid()` come out as
    they did before, because they are made of the history; `datetime.now()` and `uuid4()` would
    not. The second time stamp is later: the clock moves with the history, at each `yield`.
    """
    made = {
        "text": input.text,
        "guid": str(ctx.new_guid()),
        "at": ctx.current_utc_datetime.isoformat(),
    }
    kept = yield ctx.call_activity(note_activity, input=made)
    later = ctx.current_utc_datetime.isoformat()
    return {**made, "later": later, "same_on_replay": kept == made}
