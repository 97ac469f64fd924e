"""A workflow whose start is held until it is due."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel

from usher import Cancel, Deliver, Start, workflow


class Reminder(BaseModel):
    """What to remind of."""

    id: str
    due: str = ""


@workflow(
    on=[
        Start("reminders", type="com.acme.soon", key="data.id", delay="3s"),
        Start("reminders", type="com.acme.later", key="data.id", delay="1h"),
        Start("reminders", type="com.acme.due", key="data.id", at="data.due"),
        Deliver("reminders", type="com.acme.note", key="data.id", event="note"),
        Cancel("reminders", type="com.acme.done", key="data.id"),
    ]
)
def shop_reminder(ctx: DaprWorkflowContext, _: Reminder) -> Generator[Any, Any, Any]:
    """Wait for a note."""
    note = yield ctx.wait_for_external_event("note", timeout=timedelta(minutes=10))
    return note["text"]
