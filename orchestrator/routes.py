"""The orchestrator's routes: the one reader of workflows, instances, ledger and parking."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from orchestrator import views
from orchestrator.explaining import Explanation, explanation
from orchestrator.parking import EXPIRE
from orchestrator.service import Orchestrator


def _service(request: Request) -> Orchestrator:
    service: Orchestrator = request.app.state.service
    return service


Service = Annotated[Orchestrator, Depends(_service)]
Limit = Annotated[int, Query(ge=1, description="at most 1000; larger is clamped")]
router = APIRouter()


@router.get("/workflows")
def workflows(service: Service) -> dict[str, Any]:
    """Every workflow that can be started, with the JSON Schema of its input."""
    items = [
        {
            "name": definition.name,
            "description": definition.description,
            "input_schema": definition.input_schema(),
            "example": definition.tag.example,
            "announce": definition.tag.announce,
        }
        for definition in service.catalogue.workflows.values()
    ]
    return {"items": items, "next": None}


@router.get("/instances")
def instances(service: Service, limit: Limit = 100, cursor: str | None = None) -> Any:
    """Instances the engine holds, in its own order, a page at a time."""
    ids, following = service.engine.instance_ids(min(limit, 1000), cursor)
    shown = (one for one in ids if not one.startswith(EXPIRE))
    states = (service.engine.state(instance_id) for instance_id in shown)
    return {"items": [views.instance(s) for s in states if s], "next": following}


@router.get("/instances/{instance_id}")
def instance(service: Service, instance_id: str) -> views.Instance:
    """One instance, finished or not."""
    state = service.engine.state(instance_id)
    if state is None:
        raise HTTPException(404, f"no instance has the id {instance_id!r}")
    return views.instance(state)


@router.get("/instances/{instance_id}/history")
def history(service: Service, instance_id: str) -> Any:
    """What the engine recorded of one instance, oldest first."""
    events = service.engine.history(instance_id)
    if events is None:
        raise HTTPException(404, f"no instance has the id {instance_id!r}")
    return {"items": [views.history_event(event) for event in events], "next": None}


@router.get("/events")
def event(service: Service, source: str, id: str) -> dict[str, Any]:  # noqa: A002
    """What became of one event."""
    entry = service.ledger.find(source, id)
    if entry is None:
        raise HTTPException(404, f"the ledger has no event {id!r} from {source!r}")
    return {
        "disposition": entry.disposition,
        "instance_id": entry.instance_id,
        "duplicates": entry.duplicates,
        "at": entry.at,
    }


@router.get("/parked")
def parked(service: Service, limit: Limit = 100) -> dict[str, Any]:
    """Events that wait for an instance, the oldest first."""
    return {"items": service.parking.waiting()[: min(limit, 1000)], "next": None}


@router.post("/explain")
async def explain(service: Service, request: Request) -> Explanation:
    """What would be done with an event, as JSON, if it came now; nothing is done."""
    body = await request.body()
    return await asyncio.to_thread(explanation, service.decider, service.ledger, body)


@router.get("/metrics")
def metrics(service: Service) -> Response:
    """Counters in the Prometheus text format."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(service: Service, response: Response) -> dict[str, str]:
    """Events are served: the sidecar answers, has our worker and our subscriptions."""
    missing = service.not_ready()
    response.status_code = 503 if missing else 200
    return {"status": missing or "ready"}
