"""The orchestrator's HTTP API: the one reader of workflows, instances and their history."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from grpc import RpcError

from orchestrator import views
from orchestrator.service import Orchestrator


def _service(request: Request) -> Orchestrator:
    service: Orchestrator = request.app.state.service
    return service


Service = Annotated[Orchestrator, Depends(_service)]
Limit = Annotated[int, Query(ge=1, description="at most 1000; larger is clamped")]


def build_app(service: Orchestrator) -> FastAPI:
    """Return the app whose lifespan starts and drains the service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(service.start)
        yield
        await asyncio.to_thread(service.stop)

    app = FastAPI(title="Usher orchestrator", lifespan=lifespan)
    app.state.service = service
    app.add_exception_handler(RpcError, _engine_away)
    app.add_exception_handler(httpx.HTTPError, _engine_away)

    @app.get("/workflows")
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

    @app.get("/instances")
    def instances(service: Service, limit: Limit = 100, cursor: str | None = None) -> Any:
        """Instances the engine holds, in its own order, a page at a time."""
        ids, following = service.engine.instance_ids(min(limit, 1000), cursor)
        states = (service.engine.state(instance_id) for instance_id in ids)
        return {"items": [views.instance(s) for s in states if s], "next": following}

    @app.get("/instances/{instance_id}")
    def instance(service: Service, instance_id: str) -> views.Instance:
        """One instance, finished or not."""
        state = service.engine.state(instance_id)
        if state is None:
            raise HTTPException(404, f"no instance has the id {instance_id!r}")
        return views.instance(state)

    @app.get("/instances/{instance_id}/history")
    def history(service: Service, instance_id: str) -> Any:
        """What the engine recorded of one instance, oldest first."""
        events = service.engine.history(instance_id)
        if events is None:
            raise HTTPException(404, f"no instance has the id {instance_id!r}")
        return {"items": [views.history_event(event) for event in events], "next": None}

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz(service: Service, response: Response) -> dict[str, str]:
        """Events are served: the sidecar answers, has our worker and our subscriptions."""
        missing = service.not_ready()
        response.status_code = 503 if missing else 200
        return {"status": missing or "ready"}

    return app


def _engine_away(_: Request, error: Exception) -> Response:
    detail = f"the workflow engine cannot be asked: {error}"
    return Response(detail, status_code=503, media_type="text/plain")
