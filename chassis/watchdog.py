"""The watchdog shuts down a sidecar that hangs, so that its supervisor starts it again.

If an app was away for minutes, its sidecar tries to reach it only every two minutes: its one
connection backs off, and the health probe uses that connection. The topic server's port is open
again, but the sidecar does not connect (docs/decisions/0008-watchdog.md). A service may add other
signs of a hang.
"""

from collections.abc import Awaitable, Callable
from enum import Enum, auto

import httpx
import structlog

from chassis.sidecar import Sidecar

SECONDS = 2
"""Interval between two looks at the sidecar."""
LOOKS = 5
"""How many looks in a row must see a hang. The watchdog counts looks, not seconds, so that
time in which the machine stood still does not count."""
MOST_LOOKS = 300
"""Each shutdown that did not help doubles the looks before the next one, up to this."""

_log = structlog.get_logger()


class SidecarState(Enum):
    """The state that a look at a sidecar finds."""

    WORKS = auto()
    HANGS = auto()
    STARTS = auto()
    """It does not work yet, but does not hang."""


async def subscriber_state(sidecar: Sidecar, was_found: bool) -> SidecarState:
    """Return the state of a sidecar that only delivers topics.

    `was_found` says whether the sidecar has called the topic server. A sidecar that starts or waits
    for its broker has not subscribed yet; it will call by itself.
    """
    if was_found:
        return SidecarState.WORKS
    subscribed = (await sidecar.metadata()).get("subscriptions")
    return SidecarState.HANGS if subscribed else SidecarState.STARTS


class Watchdog:
    """Shuts down a sidecar that hung in several looks in a row."""

    def __init__(self, sidecar: Sidecar, state: Callable[[], Awaitable[SidecarState]]) -> None:
        self._sidecar = sidecar
        self._state = state
        self._seen = 0
        self._needed = LOOKS

    async def look(self) -> None:
        """Look once; shut the sidecar down if it hung in enough looks."""
        try:
            state = await self._state()
        except httpx.HTTPError:
            state = SidecarState.STARTS  # it is away: nothing to shut down
        if state is SidecarState.WORKS:
            self._needed = LOOKS
        self._seen = self._seen + 1 if state is SidecarState.HANGS else 0
        if self._seen >= self._needed:
            _log.error("the sidecar hangs and is shut down", looks=self._seen)
            self._seen, self._needed = 0, min(self._needed * 2, MOST_LOOKS)
            await self._sidecar.end()
