"""Hands over again, beside the topics, what instances did not take: each on its own, with backoff.

A crash forgets who is held. `find` finds them again: what is parked for an instance that is there,
and what is parked though its deadline has passed.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from random import sample

import structlog

from orchestrator.engine.client import Engine
from orchestrator.intake.parking import Parking
from orchestrator.ledger.records import Entry

SECONDS = 2
"""Interval at which held instances are looked at."""
MOST_SECONDS = 30
"""Longest interval between two tries of one instance; each failed try doubles it."""
AT_ONCE = 16
"""Most instances tried at the same time."""
LOOKS = 200
"""Most instances looked for in one `find`, about a millisecond of CPU each."""
OVERDUE = timedelta(minutes=1)
"""How long after its deadline an event is still left to the run that lets it expire."""

_log = structlog.get_logger()


class Redelivery:
    """Tries held instances again; one that does not answer holds up no other."""

    def __init__(
        self, parking: Parking, engine: Engine, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._parking = parking
        self._engine = engine
        self._clock = clock
        self._tries: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, tuple[float, float]] = {}
        """By instance: when it is tried again, and the interval before the try after that."""

    async def look(self) -> None:
        """Begin a try for each held instance whose time has come."""
        held, now = self._parking.unresponsive.ids, self._clock()
        self._next = {one: self._next[one] for one in self._next.keys() & (held | {*self._tries})}
        for instance_id in held - self._tries.keys():
            if len(self._tries) >= AT_ONCE:
                return
            due, interval = self._next.get(instance_id, (now, SECONDS))
            if due <= now:
                self._next[instance_id] = (now + interval, min(2 * interval, MOST_SECONDS))
                trying = asyncio.create_task(self._try(instance_id), name=f"retry {instance_id}")
                self._tries[instance_id] = trying

    async def find(self, parked: Iterable[Entry]) -> None:
        """Find who is held after a restart, and let overdue events expire, among what is parked."""
        now = datetime.now(UTC)
        entries = list(parked)
        for entry in [one for one in entries if one.until and one.until < now - OVERDUE]:
            try:
                await self._parking.expire(entry.key)
            except Exception as error:  # the next is another's
                said = f"{type(error).__name__}: {error}"
                _log.warning("cannot expire", instance_id=entry.instance_id, error=said)
        ids = sorted({one.instance_id or "" for one in entries} - self._parking.unresponsive.ids)
        for instance_id in sample(ids, min(LOOKS, len(ids))):
            if await self._engine.state(instance_id) is not None:
                self._parking.unresponsive.add(instance_id)

    async def _try(self, instance_id: str) -> None:
        # Before the drain: what is parked from now on drains by itself, or is seen by this drain.
        self._parking.unresponsive.discard(instance_id)
        try:
            await self._parking.drain(instance_id)
        except Exception as error:
            self._parking.unresponsive.add(instance_id, slow=True)
            said = f"{type(error).__name__}: {error}"
            _log.warning("will be tried again", instance_id=instance_id, error=said)
        finally:
            del self._tries[instance_id]
