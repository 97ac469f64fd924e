"""The starter's HTTP API, put together; Swagger UI is at `/docs`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError

from contracts.refusal import Refused
from starter import problem
from starter.guard import ForAnotherSite, no_other_site
from starter.metrics import Metrics
from starter.outbox import NotPublished, Outbox
from starter.routes import router
from starter.status import StatusReader


def build_app(sidecar: httpx.AsyncClient, orchestrator: httpx.AsyncClient) -> FastAPI:
    """Return the app; it closes both clients when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with sidecar, orchestrator:
            yield

    app = FastAPI(title="Usher starter", summary="The front door.", lifespan=lifespan)
    app.state.outbox = Outbox(sidecar, Metrics())
    app.state.reader = StatusReader(orchestrator)
    app.add_exception_handler(Refused, problem.refused)
    app.add_exception_handler(NotPublished, problem.not_published)
    app.add_exception_handler(RequestValidationError, problem.bad_parameters)
    app.add_exception_handler(ForAnotherSite, problem.for_another_site)
    app.include_router(router, dependencies=[Depends(no_other_site)])
    return app
