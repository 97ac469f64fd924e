"""Retries parked events of unresponsive instances, beside the topics, each with its own backoff.

A crash forgets which instances are unresponsive. `find` finds them again: those that exist and have
parked events. It also ends the wait of parked events and held starts that are overdue.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from random import sample

import structlog

from orchestrator.engine.client import Engine
from orchestrator.intake.held_starts import HeldStarts
from orchestrator.intake.parking import Parking
from orchestrator.ledger.records import Entry

SECONDS = 2
"""Interval at which unresponsive instances are looked at."""
MOST_SECONDS = 30
"""Longest interval between two tries of one instance; each failed try doubles it."""
AT_ONCE = 16
"""Most instances tried at the same time."""
LOOKS = 200
"""Most instances looked for in one `find`, about a millisecond of CPU each."""
OVERDUE = timedelta(minutes=1)
"""How long after the end of its wait an event is still left to the run that ends it."""

_log = structlog.get_logger()


class Redelivery:
    """Tries unresponsive instances again. One that does not answer delays no other."""

    def __init__(
        self,
        parking: Parking,
        held_starts: HeldStarts,
        engine: Engine,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parking = parking
        self._held_starts = held_starts
        self._engine = engine
        self._clock = clock
        self._tries: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, tuple[float, float]] = {}
        """By instance: when it is tried again, and the interval before the try after that."""

    async def look(self) -> None:
        """Begin a try for each unresponsive instance whose time has come."""
        ids, now = self._parking.unresponsive.ids, self._clock()
        self._next = {one: self._next[one] for one in self._next.keys() & (ids | {*self._tries})}
        for instance_id in ids - self._tries.keys():
            if len(self._tries) >= AT_ONCE:
                return
            due, interval = self._next.get(instance_id, (now, SECONDS))
            if due <= now:
                self._next[instance_id] = (now + interval, min(2 * interval, MOST_SECONDS))
                trying = asyncio.create_task(self._try(instance_id), name=f"retry {instance_id}")
                self._tries[instance_id] = trying

    async def find(self, parked: Iterable[Entry]) -> None:
        """Find unresponsive instances after a restart, and end the wait of overdue events."""
        now = datetime.now(UTC)
        entries = list(parked)
        for entry in [one for one in entries if one.until and one.until < now - OVERDUE]:
            try:
                await self._held_starts.due(entry.key)
            except Exception as error:  # a fault of this event alone
                said = f"{type(error).__name__}: {error}"
                _log.warning("cannot start or expire", instance_id=entry.instance_id, error=said)
        events = {one.instance_id or "" for one in entries if not one.held}
        ids = sorted(events - self._parking.unresponsive.ids)
        for instance_id in sample(ids, min(LOOKS, len(ids))):
            if await self._engine.state(instance_id) is not None:
                self._parking.unresponsive.add(instance_id)

    async def _try(self, instance_id: str) -> None:
        # Before the drain: an event parked from now on drains itself, or this drain sees it.
        self._parking.unresponsive.discard(instance_id)
        try:
            await self._parking.drain(instance_id)
        except Exception as error:
            self._parking.unresponsive.add(instance_id, slow=True)
            said = f"{type(error).__name__}: {error}"
            _log.warning("will be tried again", instance_id=instance_id, error=said)
        finally:
            del self._tries[instance_id]
