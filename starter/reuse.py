"""Checks with the ledger, through the orchestrator, whether an idempotency key is already used.

The check is a courtesy: the caller learns of the mistake at once. If the orchestrator is away, the
starter accepts the event, and the orchestrator dead-letters it if the key is used.
"""

import httpx

from chassis.client import CallFailed, send_async
from contracts import calls
from contracts.cloudevent import CloudEvent
from contracts.digest import command_digest

SECONDS = 1
"""How long a request with an idempotency key waits for the ledger's answer."""


class KeyTaken(Exception):
    """Another command was accepted with this idempotency key."""


class KnownKeys:
    """Reads `GET /events` of the orchestrator."""

    def __init__(self, orchestrator: httpx.AsyncClient) -> None:
        self._orchestrator = orchestrator

    async def check(self, event: CloudEvent) -> None:
        """Raise `KeyTaken` if the ledger has another command with this event's source and id."""
        asked = calls.event(event.source, event.id)
        try:
            known = await send_async(self._orchestrator, asked, timeout=SECONDS)
        except CallFailed:
            return
        if known.digest not in (None, command_digest(event)):
            raise KeyTaken(
                f"the idempotency key {event.id!r} was used for another request: choose a new key, "
                "or send the first request unchanged"
            )
