"""The notifier's JSON routes: notices, dead letters, and timelines."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, Field

from notifier.instance_view import instance_view
from notifier.service import Notifier
from notifier.store import RecentRecords, Record

MOST = 1000


def _service(request: Request) -> Notifier:
    service: Notifier = request.app.state.service
    return service


Service = Annotated[Notifier, Depends(_service)]
Limit = Annotated[int, Query(ge=1, description=f"at most {MOST}; a larger value is clamped")]
Cursor = Annotated[int, Query(ge=0, le=10**9, description="`next` of the page before")]
router = APIRouter()


@router.get("/notices")
def notices(
    service: Service, instance_id: str | None = None, limit: Limit = 100, cursor: Cursor = 0
) -> dict[str, Any]:
    """Notices of ended workflows, newest first."""

    def wanted(notice: Record) -> bool:
        return instance_id is None or notice["instance_id"] == instance_id

    return _page(service.notices, wanted, min(limit, MOST), cursor)


@router.get("/dead-letters")
def dead_letters(
    service: Service,
    reason: str | None = None,
    workflow: str | None = None,
    limit: Limit = 100,
    cursor: Cursor = 0,
) -> dict[str, Any]:
    """Dead letters, newest first."""

    def wanted(letter: Record) -> bool:
        data = letter["event"].get("data")
        named = data.get("workflow") if isinstance(data, dict) else None
        return reason in (None, letter["reason"]) and workflow in (None, named)

    return _page(service.dead_letters, wanted, min(limit, MOST), cursor)


@router.get("/timeline/{instance_id:path}")
def timeline(service: Service, instance_id: str) -> dict[str, Any]:
    """The timeline of an instance, from its request to its notice, as far as it has run."""
    view = instance_view(service, instance_id)
    if view.away:
        raise HTTPException(503, view.away)
    if not (view.instance or view.request or view.notice):
        raise HTTPException(404, f"no instance has the id {instance_id!r}")
    steps = [{**asdict(step), "seconds": step.seconds} for step in view.steps]
    return {"instance": view.instance, "notice": view.notice, "steps": steps}


def _page(
    store: RecentRecords, wanted: Callable[[Record], bool], limit: int, cursor: int
) -> dict[str, Any]:
    """Return `limit` records from position `cursor` on, and the cursor of the next page."""
    found = store.newest(wanted, limit + 1, cursor)
    return {"items": found[:limit], "next": cursor + limit if len(found) > limit else None}


@router.post("/dead-letters/{letter_id:path}/redriven")
def redriven(
    service: Service, letter_id: str, attempts: Annotated[int, Query(ge=1, le=10**9)]
) -> dict[str, Any]:
    """Mark a dead letter as redriven; `attempts` is the attempt that the redrive answers.

    If the event was dead-lettered again meanwhile, it is not marked, so it can be sent again.
    """

    def mark(letter: Record) -> Record | None:
        if letter["attempts"] > attempts or letter.get("redriven_at"):
            return None
        return {**letter, "redriven_at": datetime.now(UTC).isoformat()}

    letter = service.dead_letters.change(letter_id, mark)
    if letter is None:
        raise HTTPException(404, f"no dead letter has the id {letter_id!r}")
    return letter


class Ids(BaseModel):
    """Ids of notices, or of dead letters."""

    ids: Annotated[list[Annotated[str, Field(max_length=4096)]], Field(max_length=MOST)]


@router.post("/notices/lookup")
def find_notices(service: Service, wanted: Ids) -> dict[str, Any]:
    """The notices among these ids that are kept, for `usher audit`."""
    found = service.notices.get_many(wanted.ids)
    items = [{"id": notice["id"], "instance_id": notice["instance_id"]} for notice in found]
    return {"items": items, "next": None, "forgotten_before": service.notices.forgotten_before()}


@router.post("/dead-letters/lookup")
def find_dead_letters(service: Service, wanted: Ids) -> dict[str, Any]:
    """The dead letters among these ids that are kept, with their events, for `usher audit`."""
    items = [
        {
            "id": letter["id"],
            "attempts": letter["attempts"],
            "reason": letter["reason"],
            "event": {name: letter["event"].get(name) for name in ("source", "id")},
        }
        for letter in service.dead_letters.get_many(wanted.ids)
    ]
    forgotten = service.dead_letters.forgotten_before()
    return {"items": items, "next": None, "forgotten_before": forgotten}
