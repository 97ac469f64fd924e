"""`GET /asyncapi.json`, and `/asyncapi`, which shows it to people.

Both are written in a thread, as many workflows make a large document.
"""

from asyncio import to_thread

import httpx
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from chassis.client import CallFailed, send_async
from chassis.problem import respond
from contracts import calls
from contracts.http import Problem
from starter.asyncapi.document import document
from starter.asyncapi.draft import Json
from starter.asyncapi.page import away, page

router = APIRouter()


@router.get(
    "/asyncapi.json",
    response_model=dict,
    responses={503: {"model": Problem, "description": "the orchestrator does not answer"}},
)
async def asyncapi(request: Request) -> Response:
    """All channels, messages and operations, as AsyncAPI 3. The page `/asyncapi` shows it."""
    found = await _read(request.app.state.orchestrator)
    return respond(found) if isinstance(found, Problem) else JSONResponse(found)


@router.get("/asyncapi", include_in_schema=False)
async def asyncapi_page(request: Request) -> Response:
    """The same for people."""
    found = await _read(request.app.state.orchestrator)
    return away(found) if isinstance(found, Problem) else await to_thread(page, found)


async def _read(orchestrator: httpx.AsyncClient) -> Json | Problem:
    """Return the document; a problem if the orchestrator, which has its parts, is away."""
    try:
        workflows = await send_async(orchestrator, calls.workflows())
        routes = await send_async(orchestrator, calls.routes())
    except CallFailed as error:
        detail = f"the orchestrator has the workflows and routes, and does not answer: {error}"
        return Problem(title="The channels are not known now", status=503, detail=detail)
    return await to_thread(document, workflows.items, routes.items)
