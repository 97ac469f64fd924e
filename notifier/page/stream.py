"""`/stream`: what changed, as server-sent events that a browser goes on with where it left off."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, HTTPException, Query
from redis import RedisError
from sse_starlette import EventSourceResponse, ServerSentEvent

from notifier.journal import PATTERN
from notifier.routes import Service
from notifier.service import Notifier

router = APIRouter()
_KINDS = {"notices": "notice", "dead-letters": "dead_letter"}
_RETRY_MS = 1000
_SEND_SECONDS = 30
"""A reader that takes nothing for so long is let go."""


@router.get("/stream")
async def stream(
    service: Service,
    after: Annotated[str | None, Query(pattern=PATTERN)] = None,
    last_event_id: Annotated[str | None, Header(pattern=PATTERN)] = None,
) -> EventSourceResponse:
    """Tell each notice and dead letter as it comes, and each change of one.

    `Last-Event-ID`, which browsers send by themselves, or `after` says which was seen last.
    """
    if service.streams.locked():
        raise HTTPException(503, "too many follow the stream; try again", {"Retry-After": "5"})
    seen = last_event_id or after or None
    if seen is None:
        seen = await asyncio.to_thread(service.journal.last)
    ending = anyio.Event()  # set when the notifier stops, which else would wait for every reader
    events = _events(service, seen, ending.is_set)
    return EventSourceResponse(
        events, shutdown_event=ending, shutdown_grace_period=3, send_timeout=_SEND_SECONDS
    )


async def _events(
    service: Notifier, seen: str, stopped: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    """Tell the changes after `seen`. The end, when the store is away, makes browsers come again."""
    shelves = {"notices": service.notices, "dead-letters": service.dead_letters}
    async with service.streams:
        try:
            await asyncio.to_thread(service.journal.last)  # no hello while nothing can be followed
            yield ServerSentEvent(event="hello", data=seen, retry=_RETRY_MS)
            async for change in service.journal.follow(seen, stopped):
                record = await asyncio.to_thread(shelves[change.shelf].get, change.record_id)
                text = json.dumps(record)
                yield ServerSentEvent(event=_KINDS[change.shelf], id=change.id, data=text)
        except RedisError:
            return
