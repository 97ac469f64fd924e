"""`/stream`: changes as server-sent events, which a browser resumes where it left off."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, HTTPException, Query
from sse_starlette import EventSourceResponse, ServerSentEvent

from contracts.records import DeadLetter, Notice
from notifier.records.store import PATTERN, UNAVAILABLE
from notifier.routes import SEND_SECONDS, Service
from notifier.service import Notifier

router = APIRouter()
_KINDS = {"notices": "notice", "dead-letters": "dead_letter"}
_RETRY_MS = 1000


@router.get(
    "/stream",
    response_class=EventSourceResponse,
    responses={200: {"model": Notice | DeadLetter, "description": "one message for each change"}},
)
async def stream(
    service: Service,
    after: Annotated[str | None, Query(pattern=PATTERN)] = None,
    last_event_id: Annotated[str | None, Header(pattern=PATTERN)] = None,
) -> EventSourceResponse:
    """Send each new or changed notice and dead letter.

    `Last-Event-ID`, which browsers send by themselves, or `after` is the id of the last one seen.
    """
    if service.streams.locked():
        raise HTTPException(
            503, "too many readers of the stream; try again later", {"Retry-After": "5"}
        )
    seen = last_event_id or after or None
    if seen is None:
        seen = await asyncio.to_thread(service.journal.last)
    ending = anyio.Event()  # set when the notifier stops; else it would wait for every reader
    events = _events(service, seen, ending.is_set)
    return EventSourceResponse(
        events, shutdown_event=ending, shutdown_grace_period=3, send_timeout=SEND_SECONDS
    )


async def _events(
    service: Notifier, seen: str, stopped: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    """Yield the changes after `seen`. It ends when the store is away; browsers then reconnect."""
    stores = {"notices": service.notices.get, "dead-letters": service.dead_letters.get}
    async with service.streams:
        try:
            await asyncio.to_thread(service.journal.last)  # no hello while the store is away
            yield ServerSentEvent(event="hello", data=seen, retry=_RETRY_MS)
            async for change in service.journal.follow(seen, stopped):
                record = await asyncio.to_thread(stores[change.store], change.record_id)
                text = record.model_dump_json(exclude_unset=True) if record else "null"
                yield ServerSentEvent(event=_KINDS[change.store], id=change.id, data=text)
        except UNAVAILABLE:
            return
