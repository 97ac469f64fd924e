"""The notifier's routes: what was announced, and what could not be served."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from notifier.service import Notifier
from notifier.store import Record

MOST = 1000


def _service(request: Request) -> Notifier:
    service: Notifier = request.app.state.service
    return service


Service = Annotated[Notifier, Depends(_service)]
Limit = Annotated[int, Query(ge=1, description=f"at most {MOST}; larger is clamped")]
router = APIRouter()


@router.get("/notices")
def notices(service: Service, instance_id: str | None = None, limit: Limit = 100) -> dict[str, Any]:
    """How workflows ended, newest first."""

    def wanted(notice: Record) -> bool:
        return instance_id is None or notice["instance_id"] == instance_id

    return {"items": service.notices.newest(wanted, min(limit, MOST)), "next": None}


@router.get("/dead-letters")
def dead_letters(
    service: Service,
    reason: str | None = None,
    workflow: str | None = None,
    limit: Limit = 100,
    cursor: Annotated[int, Query(ge=0, description="the `next` of the page before")] = 0,
) -> dict[str, Any]:
    """What could not be served, newest first."""

    def wanted(letter: Record) -> bool:
        data = letter["event"].get("data")
        named = data.get("workflow") if isinstance(data, dict) else None
        return reason in (None, letter["reason"]) and workflow in (None, named)

    most = min(limit, MOST)
    found = service.dead_letters.newest(wanted, most + 1, cursor)
    return {"items": found[:most], "next": cursor + most if len(found) > most else None}


@router.post("/dead-letters/{letter_id:path}/redriven")
def redriven(service: Service, letter_id: str, attempts: int) -> dict[str, Any]:
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


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(service: Service, response: Response) -> dict[str, str]:
    """Notices are heard: the store answers, and the sidecar has our subscriptions."""
    missing = service.not_ready()
    response.status_code = 503 if missing else 200
    return {"status": missing or "ready"}
