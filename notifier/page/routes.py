"""The HTML pages: the live page, one instance, routes, and the start form of each workflow."""

import uuid
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request, Response

from contracts import calls
from contracts.calls import STARTER_SOURCE
from contracts.events import Outcome, Reason
from contracts.http import Workflow
from contracts.records import DeadLetter
from notifier.page import forms
from notifier.page.feed import FIRST, Filters, read_feed
from notifier.page.picture import draw, listed
from notifier.page.rendering import page
from notifier.page.unrouted import explained
from notifier.redrive import can_redrive
from notifier.routes import Service
from notifier.service import Notifier
from notifier.service_clients import Away
from notifier.timeline.instance_view import instance_view

router = APIRouter(include_in_schema=False)
FINISHED = ("COMPLETED", "FAILED", "TERMINATED")
STEPS = 100
"""How many steps of a timeline are listed in words at first."""
INSTANCE = forms.Field(
    "instance_id",
    "Instance id",
    "text",
    "",
    "Letters, digits, _ and -. If empty, Usher makes one.",
)


@router.get("/")
def live(request: Request, service: Service, filters: Annotated[Filters, Query()]) -> Response:
    """The live page: the feed, waits, parked events and stalled runs. It updates itself."""
    last = service.journal.last()  # read first: later changes come over the stream
    feed, more = read_feed(service.notices, service.dead_letters, filters)
    overview = service.look()
    return page(
        request,
        "index.html",
        **_sources(service, overview.away, overview.as_of),
        last=last,
        filters=filters,
        feed=feed,
        more=more,
        sendable=any(isinstance(record, DeadLetter) and can_redrive(record) for record in feed),
        older=f"/?{urlencode({**filters.given, 'limit': 4 * filters.limit})}",
        overview=overview,
        waits=[
            one
            for one in overview.waits
            if filters.wants_target(one.wait.instance_id, one.wait.workflow)
        ],
        parked=[event for event in overview.parked if filters.wants_target(event.instance_id)],
        stalled=[
            run for run in service.stalled() if filters.wants_target(run.instance_id, run.workflow)
        ],
        workflows=service.orchestrator.last_workflows().value or [],
        outcomes=[outcome.value for outcome in Outcome],
        reasons=[reason.value for reason in Reason],
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
    """The page of an instance: its timeline, its waits, its notices and dead letters.

    `sent` is the id of the request that the start form published for it.
    """
    last = service.journal.last()
    feed, _ = read_feed(
        service.notices, service.dead_letters, Filters(instance=instance_id, limit=FIRST)
    )
    view = instance_view(service.orchestrator, service.notices, instance_id)
    found = view.instance
    waits = [step.waiting(found) for step in view.steps if step.waits] if found else []
    return page(
        request,
        "instance.html",
        **_sources(service, view.away, view.answer.as_of),
        last=last,
        instance_id=instance_id,
        instance=found,
        away=view.away,
        finished=(found and found.status in FINISHED) or view.notice is not None,
        steps=view.steps,
        listed=listed(view.steps, steps),
        seconds=view.seconds,
        picture=draw(view.steps, view.at),
        waits=waits,
        feed=feed,
        sent=_disposition(service, sent) if sent else "",
        route=view.request.route if view.request else None,
    )


def _disposition(service: Notifier, event_id: str) -> str:
    """Return the disposition of a request that a form sent; empty if it is not known yet."""
    try:
        found = service.orchestrator.find(calls.event(STARTER_SOURCE, event_id))
    except Away:
        return ""
    return str(found.disposition) if found else ""


@router.get("/routes")
def routes(request: Request, service: Service) -> Response:
    """The routes, and the last events that none of them is for, with the reasons."""
    last = service.journal.last()
    answer = service.orchestrator.last_routes()
    known = _sources(service, answer.away, answer.as_of, "routes and unrouted events")
    found = answer.value
    return page(
        request,
        "routes.html",
        **known,
        last=last,
        known=found is not None,
        routes=found.items if found else [],
        total=found.unrouted_total if found else 0,
        unrouted=[(event, explained(event)) for event in found.unrouted] if found else [],
    )


@router.get("/start")
def workflows(request: Request, service: Service) -> Response:
    """The list of workflows to start."""
    answer = service.orchestrator.last_workflows()
    known = _sources(service, answer.away, answer.as_of, "workflows")
    return page(request, "start.html", **known, workflows=answer.value)


@router.get("/start/{workflow}")
def form(request: Request, service: Service, workflow: str) -> Response:
    """The start form of a workflow. If it is sent twice, it starts one instance."""
    found = find(service, workflow)
    return show_form(request, service, found, {"key": str(uuid.uuid4())}, {})


def show_form(
    request: Request,
    service: Notifier,
    workflow: Workflow,
    posted: dict[str, str],
    errors: dict[str, str],
) -> Response:
    """Render a form with the posted values and errors."""
    answer = service.orchestrator.last_workflows()
    return page(
        request,
        "form.html",
        422 if errors else 200,
        **_sources(service, answer.away, answer.as_of, "workflows"),
        workflow=workflow,
        form=forms.fields(workflow.input_schema, workflow.example),
        instance_field=INSTANCE,
        posted=posted,
        errors=errors,
        key=posted.get("key", ""),
    )


def find(service: Notifier, name: str) -> Workflow:
    """Return a workflow. Raises 404 if there is none, 503 if the orchestrator is away."""
    answer = service.orchestrator.last_workflows()
    if answer.value is None:
        raise HTTPException(503, answer.away)
    found = [workflow for workflow in answer.value if workflow.name == name]
    if not found:
        raise HTTPException(404, f"no workflow is named {name!r}")
    return found[0]


def _sources(
    service: Notifier,
    away: str,
    as_of: datetime | None,
    what: str = "runs, waits and parked events",
) -> dict[str, Any]:
    """Return the template values about services that do not answer, which every page shows."""
    sources = service.sources
    return {"missing": sources.missing(away, as_of, f"{what} are"), "can_send": sources.can_send}
