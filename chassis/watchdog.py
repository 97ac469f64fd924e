"""Ends a sidecar that hangs, so that what supervises it starts it again.

A sidecar whose app was away for minutes tries to reach it every two minutes only: its one
connection backs off, and so does the health probe on it. The port of the topic server is open
again, and the sidecar does not come (docs/decisions/0008-watchdog.md). A service may know of more
that makes its sidecar hang.
"""

from collections.abc import Awaitable, Callable
from enum import Enum, auto

import httpx
import structlog

from chassis.sidecar import Sidecar

SECONDS = 2
"""Interval between two looks."""
LOOKS = 5
"""How many looks in a row must see a hang. Looks are counted rather than seconds: a machine that
stood still counts as none."""
MOST_LOOKS = 300
"""Each shutdown that did not help doubles the looks that the next one takes, up to this."""

_log = structlog.get_logger()


class SidecarState(Enum):
    """What one look at a sidecar shows."""

    WORKS = auto()
    HANGS = auto()
    STARTS = auto()
    """It does not work yet, and does not hang."""


async def subscriber_state(sidecar: Sidecar, was_found: bool) -> SidecarState:
    """Return the state of a sidecar that does nothing but deliver topics.

    `was_found` says whether it has come to the port of the topic server. A sidecar that starts, or
    waits for its broker, has not subscribed yet, and comes by itself.
    """
    if was_found:
        return SidecarState.WORKS
    subscribed = (await sidecar.metadata()).get("subscriptions")
    return SidecarState.HANGS if subscribed else SidecarState.STARTS


class Watchdog:
    """Ends a sidecar that was seen to hang several times in a row."""

    def __init__(self, sidecar: Sidecar, state: Callable[[], Awaitable[SidecarState]]) -> None:
        self._sidecar = sidecar
        self._state = state
        self._seen = 0
        self._needed = LOOKS

    async def look(self) -> None:
        """Look once; shut the sidecar down where it hung in enough looks."""
        try:
            state = await self._state()
        except httpx.HTTPError:
            state = SidecarState.STARTS  # it is away: there is nothing to end
        if state is SidecarState.WORKS:
            self._needed = LOOKS
        self._seen = self._seen + 1 if state is SidecarState.HANGS else 0
        if self._seen >= self._needed:
            _log.error("the sidecar hangs and is shut down", looks=self._seen)
            self._seen, self._needed = 0, min(self._needed * 2, MOST_LOOKS)
            await self._sidecar.end()
