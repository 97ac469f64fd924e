"""Remembers which work items ran when a process died, for the next process at the same place.

Each place (host name and port) has one record. While nothing dies, it is written at the start and
at the stop only. docs/decisions/0015-tasks-that-kill-their-process.md has what each failure leaves.
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
"""How long after a death work items are marked before they run."""
DEADLY_SECONDS = 120
"""How long after the death of an isolated process other items of that name run isolated, too."""
KEPT = 200
"""How many work items that died too often are remembered. The oldest are forgotten first."""

_log = structlog.get_logger()


class Suspect(BaseModel):
    """A work item that ran when a process died."""

    name: str
    kind: str
    seen: int = 0
    """At how many deaths of the orchestrator it ran. It may have caused none of them."""
    deaths: int = 0
    """How many isolated processes died while they ran it."""
    how: str = ""
    """How the last isolated process ended."""
    at: float = 0
    """When the last isolated process died, in seconds since 1970."""


class _Record(BaseModel):
    open: bool = True
    careful_until: float = 0
    marks: dict[str, Suspect] = {}
    """By key, the work items that have begun. Some that ended may be left."""
    suspects: dict[str, Suspect] = {}


class Session:
    """The session of this process. One loop changes it; any thread may read it."""

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
        """Read how the last process ended, and write that this one runs."""
        left = await self._left()
        suspects = dict(left.suspects)
        if left.open:
            left.careful_until = self._now() + CAREFUL_SECONDS
            for key, mark in left.marks.items():
                suspects.setdefault(key, mark).seen += 1
            names = sorted({mark.name or key for key, mark in left.marks.items()})
            _log.warning("the process before this one died", while_it_ran=names)
        elif left.careful_until < self._now():
            suspects = {}
        spent = [pair for pair in left.suspects.items() if pair[1].deaths >= self._limit]
        spent.sort(key=lambda pair: pair[1].at)
        suspects |= dict(spent[-KEPT:])
        self._record = _Record(careful_until=left.careful_until, suspects=suspects)
        await self._write()

    def is_free(self, item: WorkItem) -> bool:
        """Return whether an item needs no mark: no process died lately, and it is not spent."""
        return not self.is_careful and not self.is_spent(item)

    @property
    def is_careful(self) -> bool:
        """Whether a process died lately."""
        return self._now() < self._record.careful_until

    def suspect(self, item: WorkItem) -> Suspect | None:
        """Return the deaths that a work item is suspected of, or None."""
        return self._record.suspects.get(item.key)

    @property
    def suspects(self) -> int:
        """How many work items are suspected, spent ones among them."""
        return len(self._record.suspects)

    def has_mark(self, item: WorkItem) -> bool:
        return item.key in self._record.marks

    def is_spent(self, item: WorkItem) -> bool:
        """Return whether a work item has died too often to run again."""
        found = self.suspect(item)
        return found is not None and found.deaths >= self._limit

    def is_deadly(self, item: WorkItem) -> bool:
        """Return whether a work item of this name has ended an isolated process lately."""
        since = self._now() - DEADLY_SECONDS
        return any(
            one.deaths and one.at > since and (one.kind, one.name) == (item.kind, item.name)
            for one in list(self._record.suspects.values())
        )

    async def mark(self, item: WorkItem) -> None:
        """Write that a work item begins. If the write fails, the item runs all the same, and its
        death would leave no suspect."""
        self._record.marks[item.key] = Suspect(name=item.name, kind=item.kind)
        await self._write()

    def unmark(self, item: WorkItem) -> None:
        """Note that a work item ended. The next write saves it: a stale mark does no harm."""
        self._record.marks.pop(item.key, None)
        if (found := self.suspect(item)) and not found.deaths:
            del self._record.suspects[item.key]

    async def count_death(self, item: WorkItem, how: str) -> int:
        """Count a death of an isolated process that ran this work item; return its deaths."""
        found = self._record.suspects.setdefault(item.key, Suspect(name=item.name, kind=item.kind))
        found.name = found.name or item.name
        found.deaths, found.how, found.at = found.deaths + 1, how, self._now()
        self._record.careful_until = found.at + CAREFUL_SECONDS
        await self._write()
        return found.deaths

    async def clear(self, item: WorkItem) -> None:
        """Note that a suspect ended well."""
        if self._record.suspects.pop(item.key, None):
            await self._write()

    async def end(self) -> None:
        """Write that this process stops cleanly."""
        self._record.open, self._record.marks = False, {}
        await self._write()

    async def _left(self) -> _Record:
        """Return the record of the last process. If it cannot be read, assume a death."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(AWAY), stop=stop_after_delay(10), wait=wait_fixed(1)
        )
        try:
            record: Record | None
            record, _ = await retrying(self._store.read, self._key)
            return _Record.model_validate(record) if record else _Record(open=False)
        except (RetryError, BrokenRecord, ValidationError) as error:  # e.g. of another version
            _log.warning("how the last process ended is not known", error=str(error))
            return _Record()

    async def _write(self) -> None:
        """Write the record. Callers that wait at the same time share one write."""
        self._changed += 1
        mine = self._changed
        async with self._writing:
            if self._written >= mine:
                return
            upto, record = self._changed, self._record.model_dump(exclude_defaults=False)
            try:
                await self._save(record)
            except AWAY as error:
                message = f"{type(error).__name__}: {error}"
                _log.warning("the session record was not written", error=message)
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
