"""A workflow that starts each minute, so it is served only by the stack that tests the clock."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext

from usher import Every, workflow


@workflow(on=[Every("* * * * *", input="data.at", missed="all")])
def minute_workflow(ctx: DaprWorkflowContext, at: str) -> Generator[Any, Any, str]:
    """Return the minute that it was started for."""
    yield ctx.create_timer(timedelta())
    return at
