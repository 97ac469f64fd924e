"""A parent that calls children under ids that its input tells, and says what became of each."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, TaskFailedError, when_all

from usher import workflow


@workflow(example="x", announce=False)
def named_child_workflow(ctx: DaprWorkflowContext, text: str) -> Generator[Any, Any, str]:
    """Return its input; wait for the event `paid` first, where that is `wait`."""
    if text == "wait":
        return str((yield ctx.wait_for_external_event("paid")))
    return text


@workflow(example={"ids": ["a"], "text": "x"})
def naming_workflow(ctx: DaprWorkflowContext, given: dict[str, Any]) -> Generator[Any, Any, Any]:
    """Call a child of each id, one after the other, or all at once where `at_once` is true."""
    text = given.get("text", "x")
    if given.get("at_once"):
        called: list[Any] = [
            ctx.call_child_workflow(named_child_workflow, input=text, instance_id=one)
            for one in given["ids"]
        ]
        return (yield when_all(called))
    done = []
    for one in given["ids"]:
        try:
            done.append(
                (yield ctx.call_child_workflow(named_child_workflow, input=text, instance_id=one))
            )
        except TaskFailedError as error:
            done.append(str(error))
    return done
