"""HTTP errors as problem details (RFC 9457): what is wrong, and where."""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from contracts.http import FieldError, Problem
from contracts.refusal import SHOWN, Refused, with_field

MEDIA_TYPE = "application/problem+json"


Show = Callable[[Request, Problem], Response]


def respond(problem: Problem) -> JSONResponse:
    """Return a problem as a JSON response."""
    return JSONResponse(problem.model_dump(), problem.status, media_type=MEDIA_TYPE)


def as_json(_: Request, problem: Problem) -> Response:
    """Render a problem for a program."""
    return respond(problem)


def misdirected(why: str) -> JSONResponse:
    """421: the request names a host that is not this service."""
    return respond(Problem(title="Not a host name of this service", status=421, detail=why))


def refusal(refused: Refused) -> Problem:
    """422: the event can never be served; nothing was published."""
    return Problem(
        title="The event cannot be served",
        status=422,
        detail=with_field(refused.field, refused.message),
        reason=refused.reason,
        errors=[FieldError(field=refused.field, message=refused.message)],
    )


def handle_problems(app: FastAPI, show: Show = as_json) -> None:
    """Make `app` answer every error with a problem, rendered by `show`."""

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = show(request, _http(request, error))
        answer.headers.update(error.headers or {})
        return answer

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return show(request, _invalid(error))

    async def broken(request: Request, error: Exception) -> Response:
        detail = f"the request failed with {type(error).__name__}; see the log of the service"
        return show(request, Problem(title="Internal error", status=500, detail=detail))

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, broken)


def _http(request: Request, error: HTTPException) -> Problem:
    title, path = HTTPStatus(error.status_code).phrase, request.url.path
    detail = error.detail
    if detail == title and error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"no route at {path}; /docs lists the routes"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "other methods")
        detail = f"{path} accepts {allowed}, not {request.method}"
    return Problem(title=title, status=error.status_code, detail=detail)


def _invalid(error: RequestValidationError) -> Problem:
    """422: a parameter or the body is not valid for the route."""
    errors = []
    for found in error.errors()[:SHOWN]:
        location = found["loc"]
        path = location[:1] if found["type"] == "json_invalid" else location[1:] or location
        errors.append(FieldError(field=".".join(map(str, path)), message=found["msg"]))
    detail = "; ".join(with_field(item.field, item.message) for item in errors)
    return Problem(title="The request cannot be served", status=422, detail=detail, errors=errors)
