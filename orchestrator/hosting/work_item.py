"""A work item: an activity or a turn of a workflow that the engine wants run."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["activity", "workflow"]


@dataclass(frozen=True)
class WorkItem:
    """What to run, and for which instance. A turn has the kind `workflow`."""

    kind: Kind
    name: str
    instance_id: str
    execution: str = ""
    """Id of an activity's execution, the same over its retries and repeats."""

    @property
    def key(self) -> str:
        """Under which deaths are counted: instance and execution, or the instance for a turn."""
        return f"{self.instance_id}/{self.execution}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"


class TaskDied(Exception):
    """The error of a work item whose process died too often. It is not run again."""


def task_died_error(item: WorkItem, deaths: int, how: str) -> TaskDied:
    """Return the error that a work item fails with after too many deaths."""
    times = "once" if deaths == 1 else f"{deaths} times"
    return TaskDied(f"the process died {times} while it ran {item} ({how}); it is not run again")


def activity_item(request: Any) -> WorkItem:
    """Return the work item of an activity's request."""
    execution = request.taskExecutionId or str(request.taskId)
    return WorkItem("activity", request.name, request.workflowInstance.instanceId, execution)


def turn_item(request: Any) -> WorkItem:
    """Return the work item of a turn's request. Only the first events name the workflow."""
    started = (
        event.executionStarted.name
        for event in (*request.pastEvents, *request.newEvents)
        if event.HasField("executionStarted")
    )
    return WorkItem("workflow", next(started, ""), request.instanceId)
