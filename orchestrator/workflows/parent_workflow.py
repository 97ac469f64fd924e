"""A workflow that calls another one, which can be asked for by an id known beforehand."""

import re
from collections.abc import Generator
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow


class Parent(BaseModel):
    """Whom parent and child work for."""

    name: str = "World"


@activity
def child_task_activity(ctx: WorkflowActivityContext, name: str) -> str:
    """Do the child's work."""
    log = structlog.get_logger()
    log.info("the child works", workflow_id=ctx.workflow_id, task_id=ctx.task_id, name=name)
    return f"the child is done for {name}"


@workflow(example="Ada", announce=False)
def child_orchestration_workflow(ctx: DaprWorkflowContext, input: str) -> Generator[Any, Any, str]:
    """Do a part of the parent's work. Look at `announce=False`: a child's end is no news."""
    done: str = yield ctx.call_activity(child_task_activity, input=input)
    return done


@workflow(example={"name": "Ada"})
def parent_workflow(
    ctx: DaprWorkflowContext, input: str | Parent
) -> Generator[Any, Any, dict[str, str]]:
    """Call a child workflow and wait for what it returns.

    Look at the child's id, `<parent>-child-<name>`: because it is made of nothing but what the
    parent knows, a replay makes the same one, and anyone can ask for the child's status by it.
    """
    name = input if isinstance(input, str) else input.name
    child_id = f"{ctx.instance_id}-child-{re.sub('[^A-Za-z0-9_-]', '_', name)}"
    ctx.set_custom_status(f"waiting for {child_id}")
    child_result = yield ctx.call_child_workflow(
        child_orchestration_workflow, input=name, instance_id=child_id
    )
    return {"parent_result": f"the parent is done for {name}", "child_result": child_result}
