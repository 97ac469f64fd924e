"""The notifier's JSON routes: notices, dead letters, and timelines."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from contracts.http import Page
from contracts.records import (
    DeadLetter,
    EventIdentity,
    Found,
    Ids,
    KeptLetter,
    KeptNotice,
    Notice,
    Redrive,
    RedriveProgress,
    Step,
    Timeline,
)
from notifier.records.shapes import R
from notifier.records.store import UNAVAILABLE, RecentRecords
from notifier.redrive import Chosen
from notifier.service import Notifier
from notifier.service_clients import Away
from notifier.timeline.instance_view import instance_view

MOST = 1000
SEND_SECONDS = 30
"""A reader of a stream that takes nothing within this time is disconnected."""


def _service(request: Request) -> Notifier:
    service: Notifier = request.app.state.service
    return service


Service = Annotated[Notifier, Depends(_service)]
Limit = Annotated[int, Query(ge=1, description=f"at most {MOST}; a larger value is clamped")]
Cursor = Annotated[int, Query(ge=0, le=10**9, description="`next` of the page before")]
router = APIRouter()


@router.get("/notices", response_model_exclude_unset=True)
def notices(
    service: Service, instance_id: str | None = None, limit: Limit = 100, cursor: Cursor = 0
) -> Page[Notice]:
    """Notices of ended workflows, newest first."""

    def wanted(notice: Notice) -> bool:
        return instance_id in (None, notice.instance_id)

    return _page(service.notices, wanted, min(limit, MOST), cursor)


@router.get("/dead-letters", response_model_exclude_unset=True)
def dead_letters(
    service: Service,
    reason: str | None = None,
    workflow: str | None = None,
    instance_id: str | None = None,
    limit: Limit = 100,
    cursor: Cursor = 0,
) -> Page[DeadLetter]:
    """Dead letters, newest first."""

    def wanted(letter: DeadLetter) -> bool:
        named = instance_id in (None, letter.instance_id)
        return named and _fits(letter, reason, workflow)

    return _page(service.dead_letters, wanted, min(limit, MOST), cursor)


@router.get("/timeline/{instance_id:path}", response_model_exclude_unset=True)
def timeline(service: Service, instance_id: str) -> Timeline:
    """The timeline of an instance, from its request to its notice, as far as it has run."""
    view = instance_view(service.orchestrator, service.notices, instance_id)
    if view.away:
        raise HTTPException(503, view.away)
    if not (view.instance or view.request or view.notice):
        raise HTTPException(404, f"no instance has the id {instance_id!r}")
    steps = [
        Step(
            kind=step.kind,
            name=step.name,
            begin=step.begin,
            end=step.end,
            state=step.state,
            note=step.note,
            until=step.until,
            child=step.child,
            seconds=step.seconds,
        )
        for step in view.steps
    ]
    return Timeline(instance=view.instance, notice=view.notice, steps=steps)


def _page(store: RecentRecords[R], wanted: Callable[[R], bool], limit: int, cursor: int) -> Page[R]:
    """Return `limit` records from position `cursor` on, and the cursor of the next page."""
    found = store.newest(wanted, limit + 1, cursor)
    return Page(items=found[:limit], next=cursor + limit if len(found) > limit else None)


def _fits(letter: DeadLetter, reason: str | None, workflow: str | None) -> bool:
    return reason in (None, letter.reason) and workflow in (None, letter.command.get("workflow"))


@router.post(
    "/dead-letters/redrive",
    response_class=EventSourceResponse,
    responses={200: {"model": RedriveProgress, "description": "one message for each dead letter"}},
)
async def redrive(service: Service, wanted: Redrive) -> EventSourceResponse:
    """Send dead letters again, the oldest first, and report on each as server-sent events.

    It ends when its reader disconnects. What was sent by then is marked; the rest is unchanged.
    """
    if service.redrives.locked():
        detail = "too many redrives are running; try again later"
        raise HTTPException(503, detail, {"Retry-After": "5"})

    def fits(letter: DeadLetter) -> bool:
        return (
            wanted.id in (None, letter.id, letter.event.id)
            and _fits(letter, wanted.reason, wanted.workflow)
            and (wanted.since is None or letter.last_seen >= wanted.since)
        )

    found = await asyncio.to_thread(service.redriver.choose, fits)
    chosen = [one for one in found if wanted.again or not one.redriven_at]
    begun = RedriveProgress(count=len(chosen), skipped=len(found) - len(chosen))
    ending = anyio.Event()  # set when the notifier stops
    messages = _redriven(service, chosen, wanted, begun, ending.is_set)
    return EventSourceResponse(
        messages, shutdown_event=ending, shutdown_grace_period=3, send_timeout=SEND_SECONDS
    )


async def _redriven(
    service: Notifier,
    chosen: list[Chosen],
    wanted: Redrive,
    begun: RedriveProgress,
    stopped: Callable[[], bool],
) -> AsyncIterator[ServerSentEvent]:
    async with service.redrives:
        yield _message(begun)
        named = bool(wanted.id or wanted.reason)
        each = service.redriver.each(chosen, dry_run=wanted.dry_run, named=named, rate=wanted.rate)
        try:
            async with aclosing(each):
                async for item in each:
                    yield _message(begun.model_copy(update={"item": item}))
                    if stopped():
                        return
        except Away as away:
            yield _message(begun.model_copy(update={"away": str(away)}))
        except UNAVAILABLE as error:
            why = f"the notifier's store does not answer: {error}"
            yield _message(begun.model_copy(update={"away": why}))


def _message(progress: RedriveProgress) -> ServerSentEvent:
    """Return one message; in ASCII, as readers end lines at more characters than JSON escapes."""
    return ServerSentEvent(data=progress.model_dump_json(exclude_unset=True, ensure_ascii=True))


@router.post("/notices/lookup")
def find_notices(service: Service, wanted: Ids) -> Found[KeptNotice]:
    """The notices among these ids that are kept, for `usher audit`."""
    found = service.notices.get_many(wanted.ids)
    items = [KeptNotice(id=notice.id, instance_id=notice.instance_id) for notice in found]
    return Found[KeptNotice](items=items, forgotten_before=service.notices.forgotten_before())


@router.post("/dead-letters/lookup")
def find_dead_letters(service: Service, wanted: Ids) -> Found[KeptLetter]:
    """The dead letters among these ids that are kept, with their events, for `usher audit`."""
    items = [
        KeptLetter(
            id=letter.id,
            attempts=letter.attempts,
            reason=letter.reason,
            event=EventIdentity(source=letter.event.source, id=letter.event.id),
        )
        for letter in service.dead_letters.get_many(wanted.ids)
    ]
    return Found[KeptLetter](items=items, forgotten_before=service.dead_letters.forgotten_before())
