"""A workflow whose steps are in another file: by name, as an attribute, in a helper, as a child."""

import importlib
from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext

from usher import workflow

_shared_steps = importlib.import_module("_shared_steps")  # mypy does not look beside the file
louder = _shared_steps.louder
shared_child_workflow = _shared_steps.shared_child_workflow


@workflow(example="ho")
def shared_workflow(ctx: DaprWorkflowContext, text: str) -> Generator[Any, Any, list[str]]:
    """Say it in several ways."""
    twice = yield ctx.call_activity(_shared_steps.shared_activity, input=text)
    loud = yield from louder(ctx, text)
    child = yield ctx.call_child_workflow(shared_child_workflow, input=text)
    return [twice, loud, child]
