"""Ends a sidecar that does not come back to us, so that what supervises it starts it again.

One whose app was away for minutes tries to reach it every two minutes only: its one connection
backs off, and the health probe goes by it, too. Notices would wait as long
(docs/decisions/0008-watchdog.md).
"""

from collections.abc import Callable

import httpx
import structlog

from notifier.sidecar import Sidecar

SECONDS = 2
"""How often to look."""
LOOKS = 5
"""How many looks in a row must see that it has not come."""
MOST_LOOKS = 300
"""Each shutdown that did not help doubles the looks that the next one takes, up to this."""

_log = structlog.get_logger()


class Watchdog:
    """Looks whether a sidecar that once subscribed for us has come to our port since it is open."""

    def __init__(self, sidecar: Sidecar, was_found: Callable[[], bool]) -> None:
        self._sidecar = sidecar
        self._was_found = was_found
        self._seen = 0
        self._needed = LOOKS

    def look(self) -> None:
        """Look once; shut the sidecar down where this look is the one too many."""
        if self._was_found():
            return
        try:
            metadata = self._sidecar.metadata()
        except httpx.HTTPError:
            metadata = {}  # it is away: there is nothing to end
        # One that starts, or waits for Redis, has not subscribed yet, and comes by itself.
        self._seen = self._seen + 1 if metadata.get("subscriptions") else 0
        if self._seen >= self._needed:
            _log.error("the sidecar does not come and is shut down", looks=self._seen)
            self._seen, self._needed = 0, min(self._needed * 2, MOST_LOOKS)
            self._sidecar.end()
