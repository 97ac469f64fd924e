"""The notifier's routes: what was announced, and what could not be served."""

import json
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
    service: Service, reason: str | None = None, workflow: str | None = None, limit: Limit = 100
) -> dict[str, Any]:
    """What could not be served, newest first."""

    def wanted(letter: Record) -> bool:
        data = letter["event"].get("data")
        named = data.get("workflow") if isinstance(data, dict) else None
        return reason in (None, letter["reason"]) and workflow in (None, named)

    return {"items": service.dead_letters.newest(wanted, min(limit, MOST)), "next": None}


@router.post("/dead-letters/{letter_id}/redriven")
def redriven(service: Service, letter_id: str, attempts: int) -> dict[str, Any]:
    """Note that an event was sent again; who sent it says which dead-lettering it answers.

    One that has been put aside anew meanwhile is not marked: it may be sent again.
    """
    letter = service.dead_letters.get(letter_id)
    if letter is None:
        raise HTTPException(404, f"no dead letter has the id {letter_id!r}")
    if letter["attempts"] <= attempts:
        now = datetime.now(UTC)
        letter["redriven_at"] = now.isoformat()
        service.dead_letters.put(letter_id, json.dumps(letter), now)
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
