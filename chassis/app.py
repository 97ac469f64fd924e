"""The HTTP app of a service: origin guards, problem details and Swagger UI at `/docs`."""

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager

from fastapi import Depends, FastAPI, HTTPException, Request

from chassis.docs import serve_docs
from chassis.origin import OwnNamesOnly, objection
from chassis.problem import Show, as_json, handle_problems, misdirected

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def new_app(
    title: str, lifespan: Lifespan, names: Collection[str], show: Show = as_json
) -> FastAPI:
    """Return an app without routes.

    `names` are the host names that clients use, beside `localhost`. `show` renders a problem.
    """
    app = FastAPI(
        title=title,
        lifespan=lifespan,
        dependencies=[Depends(_own_pages_only)],
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(OwnNamesOnly, names=names, refuse=misdirected)
    handle_problems(app, show)
    serve_docs(app)
    return app


async def _own_pages_only(request: Request) -> None:
    """Refuse commands from other web sites."""
    if why := objection(request.method, request.headers):
        raise HTTPException(403, f"other web sites may not send commands: {why}")
