"""A workflow that the clock starts: a report each night."""

from collections.abc import Generator
from datetime import datetime
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import Every, activity, workflow


class Night(BaseModel):
    """The time of the tick that the report is for; without it, the time of the run."""

    at: datetime | None = None


@activity
def write_report_activity(ctx: WorkflowActivityContext, until: str) -> str:
    """Write the report of what was there at that time, and return its name."""
    name = f"report-{until[:10]}"
    structlog.get_logger().info("written", workflow_id=ctx.workflow_id, report=name)
    return name


@workflow(
    example={"at": "2030-01-31T02:00:00+01:00"},
    on=[Every("0 2 * * *", timezone="Europe/Berlin", input='{"at": data.at}', missed="last")],
)
def report_workflow(ctx: DaprWorkflowContext, input: Night) -> Generator[Any, Any, dict[str, Any]]:
    """Write a report at two o'clock each night, also on the nights when the clock changes.

    Look at `missed`: after a time without Usher, the last report is made up for. Several
    orchestrators make one run of each night.
    """
    at = input.at or ctx.current_utc_datetime
    return {"report": (yield ctx.call_activity(write_report_activity, input=at.isoformat()))}
