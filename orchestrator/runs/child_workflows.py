"""Child workflows whose id the author chose: the id is claimed first, then the child is scheduled.

The engine wipes a finished instance when a child is scheduled under its id. So an activity of the
parent first claims the id in the ledger. A parent that began before Usher had this step schedules
its child at once when it is replayed. Its history lacks the patch `CLAIMED_FIRST`.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dapr.ext.workflow import TaskFailedError

from contracts import identity
from orchestrator.engine.sdk import Task, TaskThenTask, pb
from orchestrator.ledger.records import Holder

if TYPE_CHECKING:  # an isolated process imports this file, and must start fast
    from orchestrator.engine.client import Engine
    from orchestrator.ledger.ledger import Ledger

CLAIMED_FIRST = "usher.claim_child"
"""The patch in the history of a run that claims the ids of its children."""

_ENGINES_OWN = re.compile(r".*:[0-9a-f]{4,}")
"""Ids that the engine gives to children, such as `trip-1:0001`."""


def claimed_child(claim: Task[Any], schedule: Callable[[], Task[Any]], what: str) -> Task[Any]:
    """Return a task that waits for the claim, then for the child, and ends as the child does.

    It fails if the claim is refused.
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
        """Claim an id for a child of `parent`. Return None, or why the child cannot have it.

        Safe to repeat: the child is scheduled only after the parent has the answer.
        """
        if _ENGINES_OWN.fullmatch(instance_id):
            return f"the engine names children like {instance_id!r}: choose another"
        if why := await self._derived_from_event(instance_id, parent):
            return why
        claim = Holder(key=f"child-of-{parent}", digest=None)
        holder = await self._ledger.chosen_by(instance_id)
        if holder is None and await self._engine.state(instance_id) is None:
            holder = await self._ledger.take_chosen(instance_id, claim)
        return None if holder == claim else f"{instance_id!r} is taken by another run"

    async def _derived_from_event(self, instance_id: str, parent: str) -> str | None:
        """Return why the id is refused if an event may start a run under it, else None.

        An id such as `pay-<parent>` is not refused: the event of that key started another run.
        """
        key = identity.derived_key(instance_id)
        if key is None:
            return None
        record = await self._ledger.get(key)
        if record and record.instance_id != instance_id:
            return None
        if record is None and key == identity.derived_key(parent):
            return None
        return f"Usher derives ids such as {instance_id!r} from events: choose another"
