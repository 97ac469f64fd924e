"""The pages, to look at: what happened, one instance, the form of each workflow."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request, Response

from contracts.events import Outcome, Reason
from notifier.neighbours import Away
from notifier.page import forms
from notifier.page.feed import FIRST, Filters, happened
from notifier.page.picture import draw, listed
from notifier.page.redriving import open_letter
from notifier.page.rendering import page
from notifier.routes import Service
from notifier.service import Notifier
from notifier.story import story

router = APIRouter(include_in_schema=False)
FINISHED = ("COMPLETED", "FAILED", "TERMINATED")
STEPS = 100
"""So many steps of a timeline are told in words at first."""
INSTANCE = forms.Field(
    "instance_id",
    "Instance id",
    "text",
    "",
    "Letters, digits, _ and -. Left empty, one is made up.",
)


@router.get("/")
def live(request: Request, service: Service, filters: Annotated[Filters, Query()]) -> Response:
    """What happened, newest first, and who waits for what; goes on by itself."""
    last = service.journal.last()  # first: what comes while the rest is read is told again
    feed, more = happened(service.notices, service.dead_letters, filters)
    overview = service.look()
    return page(
        request,
        "index.html",
        **_sources(service, overview.away, overview.as_of),
        last=last,
        filters=filters,
        feed=feed,
        more=more,
        sendable=any("outcome" not in one and open_letter(one) for one in feed),
        older=f"/?{urlencode({**filters.given, 'limit': 4 * filters.limit})}",
        overview=overview,
        waits=[wait for wait in overview.waits if filters.wants_target(wait)],
        parked=[one for one in overview.parked if filters.wants_target(one)],
        stalled=[one for one in service.stalled() if filters.wants_target(one)],
        workflows=service.orchestrator.recall_workflows().value or [],
        outcomes=[one.value for one in Outcome],
        reasons=[one.value for one in Reason],
        notice_count=service.notices.count(),
        letter_count=service.dead_letters.count(),
    )


@router.get("/instances/{instance_id:path}")
def instance(
    request: Request,
    service: Service,
    instance_id: str,
    steps: Annotated[int, Query(ge=1)] = STEPS,
    sent: str = "",
) -> Response:
    """One instance: its timeline, what it waits for, what was said of it.

    `sent` is the id of the event that should have started it, from the form.
    """
    last = service.journal.last()
    feed, _ = happened(
        service.notices, service.dead_letters, Filters(instance=instance_id, limit=FIRST)
    )
    told = story(service, instance_id)
    status = told.instance["status"] if told.instance else ""
    open_waits = [step.wait(instance_id) for step in told.steps if step.waits]
    return page(
        request,
        "instance.html",
        **_sources(service, told.away, told.told.as_of),
        last=last,
        instance_id=instance_id,
        instance=told.instance,
        away=told.away,
        finished=status in FINISHED or told.notice is not None,
        steps=told.steps,
        listed=listed(told.steps, steps),
        seconds=told.seconds,
        picture=draw(told.steps, datetime.now(UTC)),
        waits=[{**wait, "status": status} for wait in open_waits],
        feed=feed,
        sent=_became(service, sent) if sent else "",
    )


def _became(service: Notifier, event_id: str) -> str:
    """Return what became of the request that a form sent; empty while that is not known."""
    try:
        found = service.orchestrator.became(event_id)
    except Away:
        return ""
    return str(found["disposition"]) if found else ""


@router.get("/start")
def workflows(request: Request, service: Service) -> Response:
    """Every workflow that can be started."""
    told = service.orchestrator.recall_workflows()
    known = _sources(service, told.away, told.as_of)
    return page(request, "start.html", **known, workflows=told.value)


@router.get("/start/{workflow}")
def form(request: Request, service: Service, workflow: str) -> Response:
    """The form of one workflow; sent twice, it starts one instance."""
    found = find(service, workflow)
    return show_form(request, service, found, {"key": str(uuid.uuid4())}, {})


def show_form(
    request: Request,
    service: Notifier,
    workflow: dict[str, Any],
    posted: dict[str, str],
    errors: dict[str, str],
) -> Response:
    """Show a form, with what was typed in and what is wrong with it."""
    return page(
        request,
        "form.html",
        422 if errors else 200,
        **_sources(service, "", None),
        workflow=workflow,
        form=forms.fields(workflow["input_schema"], workflow["example"]),
        instance_field=INSTANCE,
        posted=posted,
        errors=errors,
        key=posted.get("key", ""),
    )


def find(service: Notifier, name: str) -> dict[str, Any]:
    """Return a workflow; 404 where there is none, 503 where nobody can be asked."""
    told = service.orchestrator.recall_workflows()
    if told.value is None:
        raise HTTPException(503, told.away)
    found = [one for one in told.value if one["name"] == name]
    if not found:
        raise HTTPException(404, f"no workflow is named {name!r}")
    return found[0]


def _sources(service: Notifier, away: str, as_of: datetime | None) -> dict[str, Any]:
    """Return what every page says of the services that it is made from."""
    sources = service.sources
    return {"missing": sources.missing(away, as_of), "can_send": sources.can_send}
