"""One piece of an author's code that the engine wants run: an activity, or a turn of a workflow."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["activity", "workflow"]


@dataclass(frozen=True)
class WorkItem:
    """What to run, and for which instance."""

    kind: Kind
    name: str
    instance_id: str
    execution: str = ""
    """Of an activity: the same over its retries and repeats."""

    @property
    def key(self) -> str:
        """What deaths are counted by: of an activity its execution, of a turn its instance."""
        return f"{self.instance_id}/{self.execution}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"


class TaskDied(Exception):
    """The process that ran a task died too often while it did. Not run again."""


def died(task: WorkItem, deaths: int, how: str) -> TaskDied:
    """Return the error a task fails with once it has cost too many processes."""
    times = "once" if deaths == 1 else f"{deaths} times"
    return TaskDied(f"the process died {times} while it ran {task} ({how}); it is not run again")


def task_of_activity(request: Any) -> WorkItem:
    """Return what an activity's request asks for."""
    execution = request.taskExecutionId or str(request.taskId)
    return WorkItem("activity", request.name, request.workflowInstance.instanceId, execution)


def task_of_turn(request: Any) -> WorkItem:
    """Return what a turn's request asks for; its workflow's name is in its first events only."""
    started = (
        event.executionStarted.name
        for event in (*request.pastEvents, *request.newEvents)
        if event.HasField("executionStarted")
    )
    return WorkItem("workflow", next(started, ""), request.instanceId)
