"""Remembers which work items ran when a process died, for the next process at the same place.

One record for each place (host name and port); docs/decisions/0015-tasks-that-kill-their-process.md
says how each write fails. While nothing dies, it is written twice: at the start and at the stop.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_delay,
    wait_fixed,
)

from orchestrator.engine.instance_call import AWAY
from orchestrator.hosting.work_item import WorkItem
from orchestrator.ledger.store import BrokenRecord, Record, Store

CAREFUL_SECONDS = 600
"""How long tasks are marked before they run, after a death."""
DEADLY_SECONDS = 120
"""How long after a death of a process of its own other tasks of the same name get one, too."""
KEPT = 200
"""How many tasks that died too often are remembered; the oldest go first."""

_log = structlog.get_logger()


class Suspect(BaseModel):
    """A task that ran when a process died."""

    name: str
    kind: str
    seen: int = 0
    """At how many deaths it was running. Says nothing of whose doing they were."""
    deaths: int = 0
    """Of processes that ran nothing else."""
    how: str = ""
    """How the last one ended."""
    at: float = 0


class _Record(BaseModel):
    open: bool = True
    careful_until: float = 0
    marks: dict[str, Suspect] = {}
    """By key the tasks that were begun; of those that ended, some may be left."""
    suspects: dict[str, Suspect] = {}


class Session:
    """The session of this process: changed on one loop, and asked on any thread."""

    def __init__(
        self, store: Store, place: str, deaths: int, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._key = f"session-{place}"
        self._limit = deaths
        self._now = now
        self._record = _Record()
        self._writing = asyncio.Lock()
        self._changed = self._written = 0

    async def begin(self) -> None:
        """Learn how the last process ended, and write that this one runs."""
        left = await self._left()
        suspects = dict(left.suspects)
        if left.open:
            left.careful_until = self._now() + CAREFUL_SECONDS
            for key, mark in left.marks.items():
                suspects.setdefault(key, mark).seen += 1
            names = sorted({one.name or key for key, one in left.marks.items()})
            _log.warning("the process before this one died", while_it_ran=names)
        elif left.careful_until < self._now():
            suspects = {}
        spent = [item for item in left.suspects.items() if item[1].deaths >= self._limit]
        spent.sort(key=lambda item: item[1].at)
        suspects |= dict(spent[-KEPT:])
        self._record = _Record(careful_until=left.careful_until, suspects=suspects)
        await self._write()

    def is_free(self, task: WorkItem) -> bool:
        """Whether a task needs no second thought: nothing has died lately, nor it too often."""
        return not self.is_careful and not self.is_spent(task)

    @property
    def is_careful(self) -> bool:
        return self._now() < self._record.careful_until

    def suspect(self, task: WorkItem) -> Suspect | None:
        """Return what is known against a task."""
        return self._record.suspects.get(task.key)

    @property
    def suspects(self) -> int:
        """How many tasks are suspected and have not ended yet."""
        return len(self._record.suspects)

    def has_mark(self, task: WorkItem) -> bool:
        return task.key in self._record.marks

    def is_spent(self, task: WorkItem) -> bool:
        """Whether a task has died so often that it is not run again."""
        found = self.suspect(task)
        return found is not None and found.deaths >= self._limit

    def is_deadly(self, task: WorkItem) -> bool:
        """Whether a task of this name has ended a process of its own lately."""
        since = self._now() - DEADLY_SECONDS
        return any(
            one.deaths and one.at > since and (one.kind, one.name) == (task.kind, task.name)
            for one in list(self._record.suspects.values())
        )

    async def mark(self, task: WorkItem) -> None:
        """Write that a task begins, before it does. Where that fails it runs all the same: then a
        death in it is one more that nobody is suspected of."""
        self._record.marks[task.key] = Suspect(name=task.name, kind=task.kind)
        await self._write()

    def unmark(self, task: WorkItem) -> None:
        """Note that a task ended; written with the next write. A mark too many harms nobody."""
        self._record.marks.pop(task.key, None)
        if (found := self.suspect(task)) and not found.deaths:
            del self._record.suspects[task.key]

    async def died(self, task: WorkItem, how: str) -> int:
        """Count a death of a process that ran this task alone; return how many there were."""
        found = self._record.suspects.setdefault(task.key, Suspect(name=task.name, kind=task.kind))
        found.name = found.name or task.name
        found.deaths, found.how, found.at = found.deaths + 1, how, self._now()
        self._record.careful_until = found.at + CAREFUL_SECONDS
        await self._write()
        return found.deaths

    async def clear(self, task: WorkItem) -> None:
        """Note that a task ended well after all."""
        if self._record.suspects.pop(task.key, None):
            await self._write()

    async def end(self) -> None:
        """Write that this process stops of its own will."""
        self._record.open, self._record.marks = False, {}
        await self._write()

    async def _left(self) -> _Record:
        """Return what the last process left; where that is unknown, this one is careful."""
        asking = AsyncRetrying(
            retry=retry_if_exception_type(AWAY), stop=stop_after_delay(10), wait=wait_fixed(1)
        )
        try:
            record: Record | None
            record, _ = await asking(self._store.read, self._key)
            return _Record.model_validate(record) if record else _Record(open=False)
        except (RetryError, BrokenRecord, ValidationError) as error:  # or of another version
            _log.warning("how the last process ended is not known", error=str(error))
            return _Record()

    async def _write(self) -> None:
        """Write what is known now; those who wait meanwhile share one write."""
        self._changed += 1
        mine = self._changed
        async with self._writing:
            if self._written >= mine:
                return
            upto, record = self._changed, self._record.model_dump(exclude_defaults=False)
            try:
                await self._save(record)
            except AWAY as error:
                said = f"{type(error).__name__}: {error}"
                _log.warning("what runs is not written down", error=said)
                return
            self._written = upto

    async def _save(self, record: dict[str, Any]) -> None:
        while True:
            try:
                found, etag = await self._store.read(self._key)
            except BrokenRecord:
                await self._store.mend(self._key, record)
                return
            if found is None:
                if await self._store.create(self._key, record) == record:
                    return
            elif await self._store.replace(self._key, record, etag):
                return
