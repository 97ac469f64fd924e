"""The starter's HTTP app: routes, error handlers and probes. Swagger UI is at `/docs`."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from chassis import problem
from chassis.app import new_app
from chassis.probes import probes
from contracts.events import Reason
from contracts.http import FieldError, Problem
from contracts.large_bodies import LargeBodies
from contracts.refusal import Refused
from starter.asyncapi import routes as asyncapi
from starter.metrics import Metrics
from starter.outbox import NotPublished, Outbox
from starter.reuse import KeyTaken, KnownKeys
from starter.routes import router
from starter.status import StatusReader
from starter.topics import RoutedTopics


def build_app(
    sidecar: httpx.AsyncClient, orchestrator: httpx.AsyncClient, names: Collection[str] = ()
) -> FastAPI:
    """Return the app, which closes both clients when it stops.

    `names` are the host names that clients use, beside `localhost`.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with sidecar, orchestrator:
            yield

    app = new_app("Usher starter", lifespan, names)
    app.summary = "The front door."
    app.description = "Channels and messages: [AsyncAPI](asyncapi)."
    app.state.orchestrator = orchestrator
    app.state.outbox = outbox = Outbox(sidecar, Metrics())
    app.state.reader = StatusReader(orchestrator)
    app.state.large_bodies = LargeBodies()
    app.state.keys = KnownKeys(orchestrator)
    app.state.topics = RoutedTopics(orchestrator)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(KeyTaken, _key_taken)
    app.add_exception_handler(NotPublished, _not_published)
    app.include_router(router)
    app.include_router(asyncapi.router)
    app.include_router(probes(outbox.not_ready, outbox.metrics.text))
    return app


async def _refused(request: Request, error: Exception) -> JSONResponse:
    """422: the event can never be served; nothing was published."""
    assert isinstance(error, Refused)
    request.app.state.outbox.metrics.refused.labels(error.reason).inc()
    return problem.respond(problem.refusal(error))


async def _key_taken(_: Request, error: Exception) -> JSONResponse:
    """409: another command was sent with this idempotency key; nothing was published."""
    errors = [FieldError(field="idempotency-key", message=str(error))]
    found = Problem(
        title="The idempotency key is taken",
        status=409,
        detail=str(error),
        reason=Reason.IDENTITY_REUSED,
        errors=errors,
    )
    return problem.respond(found)


async def _not_published(_: Request, error: Exception) -> JSONResponse:
    """503: the broker is away; nothing was accepted. The client may send the same request again."""
    title = "The event was not accepted"
    return problem.respond(Problem(title=title, status=503, detail=str(error)))
