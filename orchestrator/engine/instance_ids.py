"""The ids of all instances, for what looks again and again: listed as seldom as the price asks.

To list them the engine has the state store go through every key it has, and an instance that is
kept has a dozen: for a hundred thousand of them, seconds of the store's one thread.
"""

import asyncio
import time
from collections.abc import Callable

from orchestrator.engine.client import Engine

GOOD_FOR = 20
"""How many times as long as it took to list them, a list is good for: a twentieth of the time at
most goes into lists."""


class InstanceIds:
    """Lists for several who ask; a list that cannot be had is asked for again the next time."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._last: list[str] = []
        self._good_until = clock()

    async def ids(self) -> list[str]:
        """Return the ids of all instances, as they are or were a little while ago."""
        async with self._one_at_a_time:
            began = self._clock()
            if began >= self._good_until:
                self._last = await self._engine.all_ids()
                now = self._clock()
                self._good_until = now + GOOD_FOR * (now - began)
            return self._last
