"""The notifier's HTTP app: its records as JSON, the live page, its stream, and probes."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

import notifier.page
from chassis.app import new_app
from chassis.probes import probes
from chassis.problem import respond
from contracts.http import Problem
from notifier import routes
from notifier.page import actions
from notifier.page import routes as pages
from notifier.page import sse as stream
from notifier.page.rendering import page
from notifier.page.sources import Missing
from notifier.records.store import UNAVAILABLE
from notifier.service import Notifier

_log = structlog.get_logger()
STATIC = Path(notifier.page.__file__).parent / "static"


def build_app(service: Notifier, names: Collection[str] = ()) -> FastAPI:
    """Return the app whose lifespan starts and stops the service.

    `names` are the host names that clients use, beside `localhost`.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    app = new_app("Usher notifier", lifespan, names, _show)
    app.state.service = service
    for unavailable in UNAVAILABLE:
        app.add_exception_handler(unavailable, _store_away)
    for part in (routes, actions, pages, stream):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.include_router(probes(service.not_ready, service.metrics.text, service.sidecar.metadata))
    return app


def _show(request: Request, problem: Problem) -> Response:
    """Render a problem: as a page for a browser, as problem details for a program."""
    if _wants_page(request):
        return page(request, "problem.html", problem.status, problem=problem)
    return respond(problem)


def _wants_page(request: Request) -> bool:
    """Return whether a browser loads a page, rather than a program or the page's script asking."""
    return "text/html" in request.headers.get("accept", "")


def _store_away(request: Request, error: Exception) -> Response:
    """503: the store does not answer, so there are no records to show."""
    what = "the notifier's store does not answer"
    if _wants_page(request):
        _log.warning(what, error=str(error))
        return page(request, "away.html", 503, missing=[Missing("store", what)])
    detail = f"{what}: {error}"
    return respond(Problem(title="Nothing can be read", status=503, detail=detail))
