"""A cache of the ids of all instances, for periodic jobs.

Listing them makes the state store go through all its keys, and each instance has a dozen. For
100,000 instances that takes seconds of the store's only thread. So the list is kept for a time that
grows with the time that listing took.
"""

import asyncio
import time
from collections.abc import Callable

from orchestrator.engine.client import Engine

GOOD_FOR = 20
"""A list is kept for this many times the time that listing took. So listing takes at most a
twentieth of the time."""


class InstanceIds:
    """One list for several callers. A listing that fails is repeated at the next call."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._last: list[str] = []
        self._good_until = clock()

    async def ids(self) -> list[str]:
        """Return the ids of all instances, as of now or a little earlier."""
        async with self._one_at_a_time:
            began = self._clock()
            if began >= self._good_until:
                self._last = await self._engine.all_ids()
                now = self._clock()
                self._good_until = now + GOOD_FOR * (now - began)
            return self._last
