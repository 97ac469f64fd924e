"""The orchestrator's HTTP API, put together."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request, Response
from grpc import Call, RpcError

from chassis.app import new_app
from chassis.probes import probes
from chassis.problem import respond
from contracts.http import FieldError, Problem
from orchestrator.api.routes import router
from orchestrator.authoring.catalogue import CatalogueError
from orchestrator.service import Orchestrator


def build_app(service: Orchestrator, names: Collection[str] = ()) -> FastAPI:
    """Return the app whose lifespan starts and drains the service.

    `names` are host names under which it is reached, beside `localhost`.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        app.state.reads = await service.start()
        yield
        await service.stop()
        service.liveness.exit()

    app = new_app("Usher orchestrator", lifespan, names)
    app.add_exception_handler(RpcError, _engine_away)
    app.add_exception_handler(httpx.HTTPError, _engine_away)
    app.add_exception_handler(TimeoutError, _engine_away)
    app.add_exception_handler(CatalogueError, _routes_at_fault)
    app.include_router(router)
    app.include_router(probes(service.not_ready, service.metrics.text, service.sidecar.metadata))
    return app


def _routes_at_fault(_: Request, error: Exception) -> Response:
    assert isinstance(error, CatalogueError)
    errors = [FieldError(field=one.place, message=one.message) for one in error.faults]
    title = "The routes stay as they are"
    return respond(Problem(title=title, status=422, detail=str(error), errors=errors))


def _engine_away(_: Request, error: Exception) -> Response:
    said = error.details() if isinstance(error, Call) else None
    detail = f"the workflow engine does not answer: {said or error or type(error).__name__}"
    return respond(Problem(title="The engine cannot be asked", status=503, detail=detail))
