"""The orchestrator's HTTP API, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request, Response
from grpc import RpcError

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

    app = FastAPI(title="Usher orchestrator", lifespan=lifespan)
    app.state.service = service
    app.add_exception_handler(RpcError, _engine_away)
    app.add_exception_handler(httpx.HTTPError, _engine_away)
    app.include_router(router)
    return app


def _engine_away(_: Request, error: Exception) -> Response:
    detail = f"the workflow engine cannot be asked: {error}"
    return Response(detail, status_code=503, media_type="text/plain")
