"""Ends a sidecar that hangs, so that what supervises it starts it again.

A worker that dies as a turn is handed to it can leave daprd 1.18 locked up for good: the next
worker's stream is open, yet the engine never takes that worker on, and no workflow runs any more
(docs/decisions/0008-watchdog.md). Nothing else looks like this: a sidecar that starts says that it
is not ready, a worker that reconnects says that its stream is not open.

And one whose app was away for minutes tries to reach it every two minutes only: the port of the
topic server is open again, and nobody comes.
"""

from collections.abc import Awaitable, Callable

import httpx
import structlog

from orchestrator.engine import Engine, has_worker, is_ready

SECONDS = 2
"""How often to look."""
LOOKS = 5
"""How many looks in a row must see a hang. Looks are counted rather than seconds: a machine that
stood still counts as none."""
MOST_LOOKS = 300
"""Each shutdown that did not help doubles the looks that the next one takes, up to this."""

_log = structlog.get_logger()


class Watchdog:
    """Looks whether the engine has our worker, which has its stream open, and whether the sidecar
    has found our port since it is open."""

    def __init__(
        self,
        engine: Engine,
        stream_is_open: Callable[[], Awaitable[bool]],
        was_found: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._stream_is_open = stream_is_open
        self._was_found = was_found
        self._seen = 0
        self._needed = LOOKS

    async def look(self) -> None:
        """Look once; shut the sidecar down where this look is the one too many."""
        try:
            metadata = await self._engine.metadata()
        except httpx.HTTPError:
            self._seen = 0  # it is away: there is nothing to end
            return
        if has_worker(metadata) and self._was_found():
            self._seen, self._needed = 0, LOOKS
            return
        hangs = is_ready(metadata) and await self._stream_is_open()
        self._seen = self._seen + 1 if hangs else 0
        if self._seen >= self._needed:
            _log.error("the sidecar hangs and is shut down", looks=self._seen)
            self._seen, self._needed = 0, min(self._needed * 2, MOST_LOOKS)
            await self._engine.end_sidecar()
