"""A child workflow under an id that its author chose: scheduled once the ledger has the id for it.

The engine wipes a finished instance when a child is scheduled under its id, so the claim comes
first, as an activity of the parent. Replayed, a parent from before this step schedules the child
at once, as it did: the engine's patches tell.
"""

from collections.abc import Callable
from typing import Any

# The SDK exports neither its composite task nor what a failed task is told by.
from dapr.ext.workflow._durabletask.internal import protos as pb
from dapr.ext.workflow._durabletask.task import CompositeTask, Task, TaskFailedError

CLAIMED_FIRST = "usher.claim_child"
"""The patch that a run has in its history if it claims ids."""


class ClaimedChild(CompositeTask[Any]):
    """Waits for the claim, then for the child; ends as the child does, or fails without one."""

    def __init__(self, claim: Task[Any], schedule: Callable[[], Task[Any]], what: str) -> None:
        self._schedule = schedule
        self._what = what
        self._child: Task[Any] | None = None
        super().__init__([claim])

    def on_child_completed(self, task: Task[Any]) -> None:
        if task is not self._child and not task.is_failed:
            if (why := task.get_result()) is None:
                self._child = self._schedule()
                self._child._parent = self
                self._tasks = [self._child]
                return
            details = pb.TaskFailureDetails(errorType="InstanceExists", errorMessage=why)
            self._exception = TaskFailedError(
                f"{self._what} failed: InstanceExists: {why}", details
            )
        elif task.is_failed:
            self._exception = task.get_exception()
        else:
            self._result = task.get_result()
        self._is_complete = True
        if self._parent is not None:
            self._parent.on_child_completed(self)
