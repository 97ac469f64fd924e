"""The orchestrator's HTTP API, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request, Response
from grpc import Call, RpcError

from orchestrator.docs import serve_docs
from orchestrator.problem import Problem, handle_problems, respond
from orchestrator.routes import router
from orchestrator.service import Orchestrator


def build_app(service: Orchestrator) -> FastAPI:
    """Return the app whose lifespan starts and drains the service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()
        service.liveness.exit()

    app = FastAPI(title="Usher orchestrator", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.service = service
    app.add_exception_handler(RpcError, _engine_away)
    app.add_exception_handler(httpx.HTTPError, _engine_away)
    handle_problems(app)
    app.include_router(router)
    serve_docs(app)
    return app


def _engine_away(_: Request, error: Exception) -> Response:
    said = error.details() if isinstance(error, Call) else None
    detail = f"the workflow engine does not answer: {said or error or type(error).__name__}"
    return respond(Problem(title="The engine cannot be asked", status=503, detail=detail))
