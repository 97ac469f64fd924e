"""Checks with the orchestrator that a route names a topic, before an event goes where nobody reads.

The check is a courtesy, as that of idempotency keys is. If the orchestrator is away, the starter
publishes: a topic keeps what is published until it is read.
"""

from difflib import get_close_matches

import httpx

from chassis.client import CallFailed, send_async
from contracts import calls
from contracts.events import Reason
from contracts.refusal import Refused
from contracts.topics import Topic
from starter.reuse import SECONDS


class RoutedTopics:
    """Reads `GET /routes` of the orchestrator, until it has named a topic once."""

    def __init__(self, orchestrator: httpx.AsyncClient) -> None:
        self._orchestrator = orchestrator
        self._known: set[str] = {*Topic}

    async def check(self, topic: str) -> None:
        """Raise `Refused` if no route names this topic, or component/topic."""
        if topic in self._known:
            return
        try:
            served = await send_async(self._orchestrator, calls.routes(), timeout=SECONDS)
        except CallFailed:
            return
        self._known |= {one.channel for one in served.items if one.channel}
        if topic not in self._known:
            near = get_close_matches(topic, self._known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise Refused(Reason.INVALID_REQUEST, f"no route names {topic!r}{hint}", "topic")
