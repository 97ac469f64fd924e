"""The notifier's HTTP: what it keeps as JSON, the live page and its stream, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from redis import RedisError

import notifier.page
from notifier import routes
from notifier.origin import objection
from notifier.page import actions, stream
from notifier.page import routes as pages
from notifier.page.rendering import page
from notifier.page.sources import Missing
from notifier.service import Notifier

_log = structlog.get_logger()
STATIC = Path(notifier.page.__file__).parent / "static"


def build_app(service: Notifier) -> FastAPI:
    """Return the app whose lifespan starts and stops the service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(service.start)
        yield
        await asyncio.to_thread(service.stop)

    app = FastAPI(title="Usher notifier", lifespan=lifespan, dependencies=[Depends(_own_page_only)])
    app.state.service = service
    app.add_exception_handler(RedisError, _store_away)
    for part in (routes, actions, pages, stream):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app


def _store_away(request: Request, error: Exception) -> Response:
    what = "the notifier's store does not answer"
    if "text/html" in request.headers.get("accept", ""):
        _log.warning(what, error=str(error))
        return page(request, "away.html", 503, missing=[Missing("store", what)])
    return PlainTextResponse(f"{what}: {error}", 503)


def _own_page_only(request: Request, service: routes.Service) -> None:
    """Let no other web site change anything."""
    if why := objection(request.method, request.headers, service.page_hosts):
        raise HTTPException(403, why)
