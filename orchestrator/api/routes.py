"""The orchestrator's HTTP routes: the one reader of workflows, instances, ledger and parking."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from contracts import identity
from contracts.http import (
    Accounts,
    DoctorReport,
    EventRecord,
    Explanation,
    HistoryEvent,
    Instance,
    Keys,
    Page,
    Parked,
    Problem,
    Waiting,
    Windows,
    Workflow,
)
from contracts.served_routes import RouteChanges, Routes
from contracts.topics import Topic
from orchestrator.api import instances as listing
from orchestrator.api.explain import explanation, explanation_by_routes, not_named
from orchestrator.api.parts import Reads


async def _reads(request: Request) -> Reads:
    reads: Reads = request.app.state.reads
    return reads


Parts = Annotated[Reads, Depends(_reads)]
Limit = Annotated[int, Query(ge=1, description="at most 1000; larger is clamped")]
router = APIRouter()


@router.get("/workflows")
async def workflows(reads: Parts) -> Page[Workflow]:
    """Every workflow that can be started, with the JSON Schema of its input."""
    items = [
        Workflow(
            name=definition.name,
            description=definition.description,
            input_schema=definition.input_schema(),
            example=definition.tag.example,
            announce=definition.tag.announce,
        )
        for definition in reads.workflows.values()
    ]
    return Page[Workflow](items=items)


@router.get("/instances")
async def instances(
    reads: Parts,
    status: listing.Status | None = None,
    workflow: str | None = None,
    limit: Limit = 100,
    cursor: str | None = None,
) -> Page[Instance]:
    """Instances the engine holds, in the order of their ids, a page at a time."""
    return await listing.page(reads.engine, min(limit, 1000), cursor, status, workflow)


@router.get("/instances/{instance_id:path}/history")
async def history(reads: Parts, instance_id: str) -> Page[HistoryEvent]:
    """What the engine recorded of one instance, oldest first."""
    events = await reads.engine.history(instance_id)
    if events is None:
        raise HTTPException(404, f"no instance has the id {instance_id!r}")
    return Page[HistoryEvent](items=events)


@router.get("/instances/{instance_id:path}")
async def instance(reads: Parts, instance_id: str) -> Instance:
    """One instance, finished or not."""
    state = await reads.engine.state(instance_id)
    if state is None:
        known = await reads.facts.known_without_instance(instance_id)
        raise HTTPException(404, f"no instance has the id {instance_id!r}{known}")
    return await listing.shown(reads.engine, state)


@router.get("/waiting")
async def waiting(reads: Parts, limit: Limit = 100, cursor: str | None = None) -> Page[Waiting]:
    """Who waits for which event, since when, until when; `limit` is of instances looked at."""
    return await listing.waits(reads.engine, reads.endings, min(limit, 1000), cursor)


@router.get("/events")
async def event(
    reads: Parts,
    source: str = "",
    id: str = "",  # noqa: A002
    instance_id: str | None = None,
) -> EventRecord:
    """What became of one event, named by source and id, or as the one that started an instance."""
    holder = await reads.ledger.holder(instance_id) if instance_id else None
    found = reads.ledger.get(holder.key) if holder else reads.ledger.find(source, id)
    entry = await found
    if entry is None:
        said = f"that started {instance_id!r}" if instance_id else f"{id!r} from {source!r}"
        raise HTTPException(404, f"the ledger has no event {said}")
    return listing.event_record(entry)


@router.get("/events/routed")
async def routed_event(reads: Parts, source: str, id: str) -> Page[EventRecord]:  # noqa: A002
    """What each of today's routes made of one event, in the order of the routes."""
    keys = [identity.event_key(source, id, route.name) for route in reads.router.routes]
    entries = {entry.key: entry for entry in await reads.ledger.get_many(keys)}
    found = [listing.event_record(entries[key]) for key in keys if key in entries]
    return Page[EventRecord](items=found)


@router.post("/events/lookup")
async def events(reads: Parts, wanted: Keys) -> Accounts:
    """What became of many events, and what is missing of each; for `usher audit`.

    What the ledger has not, is not among the items; before `since` it has forgotten everything. Of
    the keys in `broken` it has records that cannot be read.
    """
    since = reads.ledger.now() - timedelta(days=reads.settings.ledger_days)
    broken: set[str] = set()
    items = await reads.accountant.accounts(wanted.keys, broken)
    return Accounts(items=items, since=since, broken=sorted(broken))


@router.get("/parked")
async def parked(reads: Parts, limit: Limit = 100) -> Page[Parked]:
    """Events that wait for an instance, the oldest first; `why` for one that is there."""
    waiting = await reads.parking.waiting(await reads.engine.all_ids())
    return Page[Parked](items=[listing.parked(entry) for entry in waiting[: min(limit, 1000)]])


@router.post("/explain")
async def explain(reads: Parts, request: Request, topic: str | None = None) -> Explanation:
    """What would be done with an event, as JSON, if it came now; nothing is done.

    `topic` is a topic or component/topic of routes. Without it, the event carries a command.
    """
    body, facts, bodies = await request.body(), reads.facts, reads.large_bodies
    if topic and topic not in {*Topic} - {Topic.COMPLETIONS}:
        if message := not_named(reads.router, topic):
            raise HTTPException(422, message)
        return await explanation_by_routes(facts, reads.router, bodies, body, topic)
    return await explanation(reads.facts, reads.large_bodies, body)


@router.get("/routes")
async def served_routes(reads: Parts) -> Routes:
    """The routes, what they made of events since the start, and events that none is for."""
    return reads.router.report()


@router.post("/routes/apply", responses={422: {"model": Problem}})
async def apply_routes(reads: Parts) -> RouteChanges:
    """Read the files of routes again, and serve what they hold; on a fault nothing changes."""
    return await reads.apply_routes()


@router.get("/doctor")
async def doctor(reads: Parts) -> DoctorReport:
    """What would break a promise, as far as it is seen from here; and times to hold against it."""
    settings = reads.settings
    times = Windows(
        ledger_days=settings.ledger_days,
        stream_days=settings.stream_days,
        call_timeout_seconds=settings.call_timeout_seconds,
    )
    return DoctorReport(items=await reads.findings(), settings=times)
