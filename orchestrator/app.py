"""The orchestrator's HTTP API, put together."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import httpx
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from grpc import Call, RpcError

from chassis.docs import serve_docs
from chassis.origin import OwnNamesOnly, objection
from chassis.problem import Problem, handle_problems, misdirected, respond
from orchestrator.routes import router
from orchestrator.service import Orchestrator


def build_app(service: Orchestrator, names: Collection[str] = ()) -> FastAPI:
    """Return the app whose lifespan starts and drains the service.

    `names` are host names under which it is reached, beside `localhost`.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()
        service.liveness.exit()

    app = FastAPI(
        title="Usher orchestrator",
        lifespan=lifespan,
        dependencies=[Depends(_own_pages_only)],
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.add_exception_handler(RpcError, _engine_away)
    app.add_exception_handler(httpx.HTTPError, _engine_away)
    app.add_middleware(OwnNamesOnly, names=names, refuse=misdirected)
    handle_problems(app)
    app.include_router(router)
    serve_docs(app)
    return app


def _own_pages_only(request: Request) -> None:
    """Let no other web site send anything, though nothing that it could send changes anything."""
    if why := objection(request.method, request.headers):
        raise HTTPException(403, why)


def _engine_away(_: Request, error: Exception) -> Response:
    said = error.details() if isinstance(error, Call) else None
    detail = f"the workflow engine does not answer: {said or error or type(error).__name__}"
    return respond(Problem(title="The engine cannot be asked", status=503, detail=detail))
