"""One piece of an author's code that the engine wants run: an activity, or a turn of a workflow."""

from dataclasses import dataclass
from typing import Literal

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
