"""Errors over HTTP as problem details (RFC 9457): each says what is wrong, and where."""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from contracts.refusal import SHOWN, Refused, with_field

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One field at fault. Whoever shows it puts the field before the message."""

    field: str | None
    message: str


class Problem(BaseModel):
    """Why a request was not served. `reason` is one of the reasons of a dead letter."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    reason: str | None = None
    errors: list[FieldError] = []


Show = Callable[[Request, Problem], Response]


def respond(problem: Problem) -> JSONResponse:
    """Return a problem as an answer."""
    return JSONResponse(problem.model_dump(), problem.status, media_type=MEDIA_TYPE)


def as_json(_: Request, problem: Problem) -> Response:
    """Show a problem to a program."""
    return respond(problem)


def misdirected(why: str) -> JSONResponse:
    """421: it was asked under a name that is not this service's."""
    return respond(Problem(title="This is not that host", status=421, detail=why))


def refusal(refused: Refused) -> Problem:
    """422: what was sent could never be served; nothing was published."""
    return Problem(
        title="The event cannot be served",
        status=422,
        detail=with_field(refused.field, refused.message),
        reason=refused.reason,
        errors=[FieldError(field=refused.field, message=refused.message)],
    )


def handle_problems(app: FastAPI, show: Show = as_json) -> None:
    """Have `app` answer what no route of it answers, and what a route cannot, as `show` says."""

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = show(request, _http(request, error))
        answer.headers.update(error.headers or {})
        return answer

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return show(request, _invalid(error))

    async def broken(request: Request, error: Exception) -> Response:
        detail = f"{type(error).__name__} while it was served; the log of the service has the rest"
        return show(request, Problem(title="A fault of ours", status=500, detail=detail))

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, broken)


def _http(request: Request, error: HTTPException) -> Problem:
    title, path = HTTPStatus(error.status_code).phrase, request.url.path
    detail = error.detail
    if detail == title and error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"there is nothing at {path}; /docs shows what there is"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "other methods")
        detail = f"{path} takes {allowed}, not {request.method}"
    return Problem(title=title, status=error.status_code, detail=detail)


def _invalid(error: RequestValidationError) -> Problem:
    """422: a parameter, or the body, is not what the route takes."""
    errors = []
    for one in error.errors()[:SHOWN]:
        where = one["loc"][:1] if one["type"] == "json_invalid" else one["loc"][1:] or one["loc"]
        errors.append(FieldError(field=".".join(map(str, where)), message=one["msg"]))
    detail = "; ".join(with_field(one.field, one.message) for one in errors)
    return Problem(title="The request cannot be served", status=422, detail=detail, errors=errors)
