"""A workflow that does something else when it is replayed, once a file is there."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow


class Fickle(BaseModel):
    """Names the file."""

    file: Path = Path("/nowhere")

    @property
    def is_there(self) -> bool:
        """What no workflow should ask."""
        return self.file.exists()


@activity
def fickle_activity(_: WorkflowActivityContext, text: str) -> str:
    """Give it back."""
    return text


@workflow(example={})
def fickle_workflow(ctx: DaprWorkflowContext, input: Fickle) -> Generator[Any, Any, None]:  # noqa: A002
    """Call an activity, or set a timer, then wait for `tick`."""
    if input.is_there:
        yield ctx.create_timer(timedelta(seconds=1))
    else:
        yield ctx.call_activity(fickle_activity, input="there")
    yield ctx.wait_for_external_event("tick", timeout=timedelta(minutes=5))
