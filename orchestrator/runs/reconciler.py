"""Announces runs that ended unannounced: terminated without Usher, or cut off by a crash.

No promise depends on its memory. Several replicas may sweep at once: they publish an ending under
the same id, and the ledger keeps the first.
"""

from collections import deque
from collections.abc import AsyncIterator, Container, Iterable
from itertools import islice

import structlog
from dapr.ext.workflow import WorkflowStatus

from contracts import identity
from orchestrator.engine.instance_ids import InstanceIds
from orchestrator.engine.state import FINISHED
from orchestrator.ledger.known_endings import KnownEndings
from orchestrator.runs.announcer import Announcer

RECHECKED = 20
"""How many instances that were seen finished, and have no ending in the ledger, a sweep checks
again. An event may have started one of them anew under the same id."""

_log = structlog.get_logger()


class Reconciler:
    """Sweeps over unannounced instances, `looks` at a time."""

    def __init__(
        self,
        instance_ids: InstanceIds,
        endings: KnownEndings,
        announcer: Announcer,
        workflows: Container[str],
        looks: int,
    ) -> None:
        self._instance_ids = instance_ids
        self._endings = endings
        self._announcer = announcer
        self._workflows = workflows
        self._looks = looks
        self._queue: list[str] = []
        """Instances that may run, the least recently checked first."""
        self._finished: dict[str, None] = {}
        """Instances that were seen finished, in that order."""
        self._previous: set[str] | None = None
        """Instances that existed at the last sweep; None before the first."""
        self.stalled: set[str] = set()
        """Instances that were stalled at their last check."""
        self.unknown_workflows: dict[str, str] = {}
        """By running instance, the name of its workflow if that is not here."""

    async def sweep(self) -> None:
        """Check the next `looks` unannounced instances, and announce those that ended.

        A check costs about a millisecond of CPU. So a new instance is not checked before the second
        sweep that sees it: most end by themselves before that.
        """
        ids = {i for i in await self._instance_ids.ids() if not identity.is_own_run(i)}
        self._update_queue(ids)
        batch = deque([instance_id async for instance_id in self._next()])
        while batch:
            instance_id = batch.popleft()
            try:
                await self._check(instance_id)
            except Exception:  # the failed instance goes last and delays no other
                self._queue = [*batch, *self._queue, instance_id]
                raise

    def not_ended(self, ids: Iterable[str]) -> set[str]:
        """Return the instances that had not ended at the last sweep."""
        return set(self._queue).intersection(ids)

    def _update_queue(self, ids: set[str]) -> None:
        """Add new instances at the end of the queue, and drop those that are gone or finished."""
        self._endings.keep(ids)
        self.stalled &= ids
        self.unknown_workflows = {i: n for i, n in self.unknown_workflows.items() if i in ids}
        known = ids.difference(islice(self._finished, RECHECKED))
        self._finished = {i: None for i in self._finished if i in known}
        kept = [i for i in self._queue if i in ids]
        new = set(self._endings.unknown(ids)) - self._finished.keys() - set(kept)
        self._queue = kept + sorted(new if self._previous is None else new & self._previous)
        self._previous = ids

    async def _next(self) -> AsyncIterator[str]:
        """Take the next instances off the queue, without those whose ending the ledger has."""
        left = self._looks
        while left > 0 and self._queue:
            page, self._queue = self._queue[:left], self._queue[left:]
            not_ended = await self._endings.not_ended(page, left)
            left -= len(not_ended)
            for instance_id in not_ended:
                yield instance_id

    async def _check(self, instance_id: str) -> None:
        state = await self._announcer.look(instance_id)
        status = state.runtime_status if state else None
        if status is not WorkflowStatus.STALLED:
            self.stalled.discard(instance_id)
        if status in FINISHED:
            self.unknown_workflows.pop(instance_id, None)
            self._finished[instance_id] = None
            return
        self._queue.append(instance_id)
        if state and state.name and state.name not in self._workflows:
            if instance_id not in self.unknown_workflows:
                message = "the workflow of a run is not here: the run waits until it is"
                _log.warning(message, instance_id=instance_id, workflow=state.name)
            self.unknown_workflows[instance_id] = state.name
        if status is WorkflowStatus.STALLED:
            if instance_id not in self.stalled:
                _log.warning("stalled", instance_id=instance_id)
            self.stalled.add(instance_id)
