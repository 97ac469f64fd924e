"""The notifier's HTTP: what it keeps as JSON, the live page and its stream, put together."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles
from redis import RedisError

import notifier.page
from chassis.docs import serve_docs
from chassis.origin import OwnNamesOnly, objection
from chassis.problem import Problem, handle_problems, misdirected, respond
from notifier import routes
from notifier.page import actions, stream
from notifier.page import routes as pages
from notifier.page.problem import problem_page, wants_page
from notifier.page.rendering import page
from notifier.page.sources import Missing
from notifier.service import Notifier

_log = structlog.get_logger()
STATIC = Path(notifier.page.__file__).parent / "static"


def build_app(service: Notifier, names: Collection[str] = ()) -> FastAPI:
    """Return the app whose lifespan starts and stops the service.

    `names` are host names under which it is reached, beside `localhost`.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(service.start)
        yield
        await asyncio.to_thread(service.stop)

    app = FastAPI(
        title="Usher notifier",
        lifespan=lifespan,
        dependencies=[Depends(_own_page_only)],
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.add_exception_handler(RedisError, _store_away)
    app.add_middleware(OwnNamesOnly, names=names, refuse=misdirected)
    handle_problems(app, _show)
    for part in (routes, actions, pages, stream):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    serve_docs(app)
    return app


def _show(request: Request, problem: Problem) -> Response:
    """Show a problem as a page to a browser, as problem details to a program."""
    return problem_page(request, problem) if wants_page(request) else respond(problem)


def _store_away(request: Request, error: Exception) -> Response:
    what = "the notifier's store does not answer"
    if wants_page(request):
        _log.warning(what, error=str(error))
        return page(request, "away.html", 503, missing=[Missing("store", what)])
    detail = f"{what}: {error}"
    return respond(Problem(title="Nothing can be read", status=503, detail=detail))


def _own_page_only(request: Request) -> None:
    """Let no other web site change anything."""
    if why := objection(request.method, request.headers):
        raise HTTPException(403, why)
