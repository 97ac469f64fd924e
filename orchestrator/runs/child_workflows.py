"""Child workflows whose id the author chose: the id is claimed first, then the child is scheduled.

The engine wipes a finished instance when a child is scheduled under its id. So an activity of the
parent first claims the id in the ledger. A parent that began before this step existed schedules its
child at once when it is replayed; the engine's patches say which parents those are.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dapr.ext.workflow import TaskFailedError

from contracts import identity
from orchestrator.engine.sdk import Task, TaskThenTask, pb
from orchestrator.ledger.records import Holder

if TYPE_CHECKING:  # the process of one isolated task imports this file, and must start fast
    from orchestrator.engine.client import Engine
    from orchestrator.ledger.ledger import Ledger

CLAIMED_FIRST = "usher.claim_child"
"""The patch in the history of a run that claims the ids of its children."""

_ENGINES_OWN = re.compile(r".*:[0-9a-f]{4,}")
"""Ids that the engine gives to children, such as `trip-1:0001`."""


def claimed_child(claim: Task[Any], schedule: Callable[[], Task[Any]], what: str) -> Task[Any]:
    """Return a task that waits for the claim, then for the child, and ends as the child does.

    It fails where the claim is refused.
    """

    def then(why: str | None) -> Task[Any] | TaskFailedError:
        if why is None:
            return schedule()
        details = pb.TaskFailureDetails(errorType="InstanceExists", errorMessage=why)
        return TaskFailedError(f"{what} failed: InstanceExists: {why}", details)

    return TaskThenTask(claim, then)


class ChildIds:
    """Claims ids in the ledger. A parent may claim the same id again."""

    def __init__(self, ledger: "Ledger", engine: "Engine") -> None:
        self._ledger = ledger
        self._engine = engine

    async def claim(self, instance_id: str, parent: str) -> str | None:
        """Claim an id for a child of `parent`; return None, or why the child cannot have it.

        Safe to repeat: the child is scheduled only after the parent has the answer.
        """
        if _ENGINES_OWN.fullmatch(instance_id):
            return f"{instance_id!r} is as the engine names children: choose another"
        if why := await self._may_be_derived(instance_id, parent):
            return why
        ours = Holder(key=f"child-of-{parent}", digest=None)
        holder = await self._ledger.chosen_by(instance_id)
        if holder is None and await self._engine.state(instance_id) is None:
            holder = await self._ledger.take_chosen(instance_id, ours)
        return None if holder == ours else f"{instance_id!r} is taken by another run"

    async def _may_be_derived(self, instance_id: str, parent: str) -> str | None:
        """Return why an id is refused that an event may give to the run it starts.

        An id such as `pay-<parent>` is not refused: the event of that key started another run.
        """
        key = identity.derived_key(instance_id)
        if key is None:
            return None
        entry = await self._ledger.get(key)
        if entry and entry.instance_id != instance_id:
            return None
        if entry is None and key == identity.derived_key(parent):
            return None
        return f"{instance_id!r} is of the form that Usher derives from an event: choose another"
