"""Announces runs that ended unannounced: terminated without Usher, or cut off by a crash.

No promise depends on its memory. Several replicas may sweep at once: they publish the same id, and
the ledger keeps the first ending.
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

AGAIN = 20
"""Most finished instances, without an ending in the ledger, that a sweep looks at again. An event
may have started one of them anew under the same id."""

_log = structlog.get_logger()


class Reconciler:
    """Sweeps over unannounced instances, a bounded number each time."""

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
        self._line: list[str] = []
        """Instances that may run, the least recently looked at first."""
        self._finished: dict[str, None] = {}
        """Instances that were seen finished, in that order."""
        self._met: set[str] | None = None
        """Instances that existed at the last sweep; None before the first."""
        self.stalled: set[str] = set()
        """Instances that were stalled when last looked at."""
        self.unknown: dict[str, str] = {}
        """Running instances whose workflow is not here, with its name."""

    async def sweep(self) -> None:
        """Look at the next `looks` unannounced instances, and announce those that ended.

        A look costs about a millisecond of CPU. So an instance that is new since the last sweep is
        looked at in the next one: most end by themselves before.
        """
        self._line_up({i for i in await self._instance_ids.ids() if not identity.is_own_run(i)})
        taken = deque([one async for one in self._next()])
        while taken:
            instance_id = taken.popleft()
            try:
                await self._look(instance_id)
            except Exception:
                self._line = [
                    *taken,
                    *self._line,
                    instance_id,
                ]  # one that fails goes last, and delays no other
                raise

    def going_on(self, ids: Iterable[str]) -> set[str]:
        """Return the instances that had not ended at the last sweep."""
        return set(self._line).intersection(ids)

    def _line_up(self, ids: set[str]) -> None:
        """Put new instances at the end of the line, and drop those that are gone or finished."""
        self._endings.keep(ids)
        self.stalled &= ids
        self.unknown = {one: name for one, name in self.unknown.items() if one in ids}
        known = ids.difference(islice(self._finished, AGAIN))
        self._finished = {one: None for one in self._finished if one in known}
        kept = [one for one in self._line if one in ids]
        new = set(self._endings.unknown(ids)) - self._finished.keys() - set(kept)
        self._line = kept + sorted(new if self._met is None else new & self._met)
        self._met = ids

    async def _next(self) -> AsyncIterator[str]:
        """Take the next instances off the line, without those that the ledger has as ended."""
        left = self._looks
        while left > 0 and self._line:
            page, self._line = self._line[:left], self._line[left:]
            not_ended = await self._endings.not_ended(page, left)
            left -= len(not_ended)
            for instance_id in not_ended:
                yield instance_id

    async def _look(self, instance_id: str) -> None:
        state = await self._announcer.look(instance_id)
        status = state.runtime_status if state else None
        if status is not WorkflowStatus.STALLED:
            self.stalled.discard(instance_id)
        if status in FINISHED:
            self.unknown.pop(instance_id, None)
            self._finished[instance_id] = None
            return
        self._line.append(instance_id)
        if state and state.name and state.name not in self._workflows:
            if instance_id not in self.unknown:
                said = "a run of a workflow that is not here: it stands still"
                _log.warning(said, instance_id=instance_id, workflow=state.name)
            self.unknown[instance_id] = state.name
        if status is WorkflowStatus.STALLED:
            if instance_id not in self.stalled:
                _log.warning("stalled", instance_id=instance_id)
            self.stalled.add(instance_id)
