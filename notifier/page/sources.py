"""The services behind the page, and which of them do not answer; shown alike on every page."""

import threading
from asyncio import to_thread
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from notifier.service_clients import Orchestrator, Starter

SECONDS = 2
"""Interval, in seconds, between two probes of the services."""


@dataclass(frozen=True)
class Missing:
    """A service that does not answer, and what that means for the page."""

    name: str
    what: str
    """What is wrong, without a full stop."""
    shown: str = ""
    """What the page shows as of `as_of`; empty if nothing on the page is old because of it."""
    as_of: datetime | None = None

    @property
    def stale(self) -> bool:
        """Whether something on the page may be out of date."""
        return bool(self.shown)


class Sources:
    """Probes the services in the background, so that no page waits for a missing service."""

    def __init__(
        self,
        orchestrator: Orchestrator,
        starter: Starter,
        not_ready: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._orchestrator = orchestrator
        self._starter = starter
        self._not_ready = not_ready
        self._receives = True
        self._received_at: datetime | None = None
        self._lock = threading.Lock()

    async def probe(self) -> None:
        """Probe each service once."""
        await to_thread(self._orchestrator.probe)
        await to_thread(self._starter.probe)
        receives = await self._not_ready() is None
        with self._lock:
            self._receives = receives
            if receives:
                self._received_at = datetime.now(UTC)

    @property
    def can_send(self) -> bool:
        """Whether the starter can publish for the page."""
        return not self._starter.down

    def missing(self, away: str, as_of: datetime | None, what: str) -> list[Missing]:
        """Return the services that do not answer.

        `away` is why the orchestrator did not answer for this page, if it did not; `as_of` is when
        it last did; `what` names what the page shows from it.
        """
        found = []
        if away:
            found.append(Missing("orchestrator", away, f"{what} shown", as_of))
        with self._lock:
            if not self._receives:
                shown = "notices and dead letters are shown"
                what = "the notifier's sidecar does not deliver"
                found.append(Missing("sidecar", what, shown, self._received_at))
        if self._starter.down:
            found.append(Missing("starter", "the starter cannot publish; nothing can be sent"))
        return found
