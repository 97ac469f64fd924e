"""What the page is made of, and which of it does not answer: told the same way on every page."""

import threading
from asyncio import to_thread
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from notifier.neighbours import Orchestrator, Starter

SECONDS = 2
"""How often to look whether the services answer."""


@dataclass(frozen=True)
class Missing:
    """One service that does not answer, and what that means for the page."""

    name: str
    what: str
    """What is wrong, as a clause."""
    shown: str = ""
    """What is shown as it was at `as_of`; empty where nothing shown is old by it."""
    as_of: datetime | None = None

    @property
    def stale(self) -> bool:
        """Whether something on the page is not as it is now."""
        return bool(self.shown)


class Sources:
    """Probes the services in the background, so that no page waits to find one away."""

    def __init__(
        self,
        orchestrator: Orchestrator,
        starter: Starter,
        deaf: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._orchestrator = orchestrator
        self._starter = starter
        self._deaf = deaf
        self._hears = True
        self._heard_at: datetime | None = None
        self._lock = threading.Lock()

    async def probe(self) -> None:
        """Look once."""
        await to_thread(self._orchestrator.probe)
        await to_thread(self._starter.probe)
        hears = await self._deaf() is None
        with self._lock:
            self._hears = hears
            if hears:
                self._heard_at = datetime.now(UTC)

    @property
    def can_send(self) -> bool:
        """Whether the starter publishes what the page asks for."""
        return not self._starter.down

    def missing(self, away: str, as_of: datetime | None, what: str) -> list[Missing]:
        """Return what does not answer. `away` says that the orchestrator did not, for this page,
        `as_of` when it did last, and `what` what the page has from it."""
        found = []
        if away:
            found.append(Missing("orchestrator", away, f"{what} shown", as_of))
        with self._lock:
            if not self._hears:
                shown = "notices and dead letters are shown"
                what = "the notifier's sidecar does not deliver"
                found.append(Missing("sidecar", what, shown, self._heard_at))
        if self._starter.down:
            found.append(Missing("starter", "the starter cannot publish; nothing can be sent"))
        return found
