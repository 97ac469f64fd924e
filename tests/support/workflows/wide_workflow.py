"""A workflow that does many steps side by side, of which some fail."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext, when_all
from pydantic import BaseModel

from usher import activity, workflow


class Width(BaseModel):
    """How many steps, and which of them fail."""

    steps: int = 3
    failing: list[int] = []
    rounds: int = 1


class Sample(BaseModel):
    """One step."""

    number: int
    fails: bool


@activity
def sample_activity(_: WorkflowActivityContext, sample: Sample) -> int:
    """Return the number, or fail."""
    if sample.fails:
        raise ValueError(f"no sample {sample.number}")
    return sample.number


@workflow()
def wide_workflow(
    ctx: DaprWorkflowContext,
    input: Width,  # noqa: A002
) -> Generator[Any, Any, Any]:
    """Take samples side by side, and continue as new for each round after the first."""
    samples = [Sample(number=n, fails=n in input.failing) for n in range(input.steps)]
    tasks: list[Any] = [
        ctx.call_activity("sample_activity", input=one.model_dump()) for one in samples
    ]
    found: list[int] = yield when_all(tasks)
    if input.rounds > 1:
        left = input.model_copy(update={"rounds": input.rounds - 1})
        ctx.continue_as_new(left.model_dump())
        return None
    return sum(found)
