"""The starter's HTTP API, put together; Swagger UI is at `/docs`."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import httpx
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError

from contracts.refusal import Refused
from starter import problem
from starter.metrics import Metrics
from starter.origin import objection
from starter.outbox import NotPublished, Outbox
from starter.routes import router
from starter.status import StatusReader


def build_app(
    sidecar: httpx.AsyncClient, orchestrator: httpx.AsyncClient, page_hosts: Collection[str] = ()
) -> FastAPI:
    """Return the app; it closes both clients when it ends.

    `page_hosts` are host names under which its Swagger UI may act, beside `localhost`.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with sidecar, orchestrator:
            yield

    def own_pages_only(request: Request) -> None:
        if why := objection(request.method, request.headers, page_hosts):
            raise problem.Foreign(why)

    app = FastAPI(
        title="Usher starter",
        summary="The front door.",
        lifespan=lifespan,
        dependencies=[Depends(own_pages_only)],
    )
    app.state.outbox = Outbox(sidecar, Metrics())
    app.state.reader = StatusReader(orchestrator)
    app.add_exception_handler(problem.Foreign, problem.foreign)
    app.add_exception_handler(Refused, problem.refused)
    app.add_exception_handler(NotPublished, problem.not_published)
    app.add_exception_handler(RequestValidationError, problem.bad_parameters)
    app.include_router(router)
    return app
