"""The notifier's routes: what was announced, and what could not be served."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, Field

from notifier.service import Notifier
from notifier.store import Record, Shelf
from notifier.story import story

MOST = 1000


def _service(request: Request) -> Notifier:
    service: Notifier = request.app.state.service
    return service


Service = Annotated[Notifier, Depends(_service)]
Limit = Annotated[int, Query(ge=1, description=f"at most {MOST}; larger is clamped")]
Cursor = Annotated[int, Query(ge=0, le=10**9, description="the `next` of the page before")]
router = APIRouter()


@router.get("/notices")
def notices(
    service: Service, instance_id: str | None = None, limit: Limit = 100, cursor: Cursor = 0
) -> dict[str, Any]:
    """How workflows ended, newest first."""

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
    """What could not be served, newest first."""

    def wanted(letter: Record) -> bool:
        data = letter["event"].get("data")
        named = data.get("workflow") if isinstance(data, dict) else None
        return reason in (None, letter["reason"]) and workflow in (None, named)

    return _page(service.dead_letters, wanted, min(limit, MOST), cursor)


@router.get("/timeline/{instance_id:path}")
def timeline(service: Service, instance_id: str) -> dict[str, Any]:
    """The chain of one instance, from its request to its notice, as far as it has come."""
    told = story(service, instance_id)
    if told.away:
        raise HTTPException(503, told.away)
    if not (told.instance or told.request or told.notice):
        raise HTTPException(404, f"nothing is known of an instance {instance_id!r}")
    steps = [{**asdict(step), "seconds": step.seconds} for step in told.steps]
    return {"instance": told.instance, "notice": told.notice, "steps": steps}


def _page(
    shelf: Shelf, wanted: Callable[[Record], bool], limit: int, cursor: int
) -> dict[str, Any]:
    """Return `limit` records from the `cursor`-th on, and where the next page begins."""
    found = shelf.newest(wanted, limit + 1, cursor)
    return {"items": found[:limit], "next": cursor + limit if len(found) > limit else None}


@router.post("/dead-letters/{letter_id:path}/redriven")
def redriven(
    service: Service, letter_id: str, attempts: Annotated[int, Query(ge=1, le=10**9)]
) -> dict[str, Any]:
    """Note that an event was sent again; who sent it says which dead-lettering it answers.

    One that has been put aside anew meanwhile is not marked: it may be sent again.
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
    """Which of these notices are kept; for `usher audit`."""
    found = service.notices.get_many(wanted.ids)
    items = [{"id": one["id"], "instance_id": one["instance_id"]} for one in found]
    return {"items": items, "next": None, "forgotten_before": service.notices.forgotten_before()}


@router.post("/dead-letters/lookup")
def find_dead_letters(service: Service, wanted: Ids) -> dict[str, Any]:
    """Which of these dead letters are kept, and about which event; for `usher audit`."""
    items = [
        {
            "id": one["id"],
            "attempts": one["attempts"],
            "reason": one["reason"],
            "event": {name: one["event"].get(name) for name in ("source", "id")},
        }
        for one in service.dead_letters.get_many(wanted.ids)
    ]
    forgotten = service.dead_letters.forgotten_before()
    return {"items": items, "next": None, "forgotten_before": forgotten}
