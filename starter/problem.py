"""Errors as problem details (RFC 9457): each names the field and says what would be right."""

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from contracts.refusal import Refused

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One field at fault."""

    field: str | None
    message: str


class Problem(BaseModel):
    """Why a request was not taken. `reason` is one of the reasons of a dead letter."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    reason: str | None = None
    errors: list[FieldError] = []


def respond(problem: Problem) -> JSONResponse:
    return JSONResponse(problem.model_dump(), problem.status, media_type=MEDIA_TYPE)


class Foreign(Exception):
    """A browser posts on behalf of another web site."""


async def foreign(_: Request, error: Exception) -> JSONResponse:
    """403: nothing was read, nothing was published."""
    return respond(Problem(title="No other web site may publish", status=403, detail=str(error)))


async def refused(request: Request, error: Exception) -> JSONResponse:
    """422: the event could never be served; nothing was published."""
    assert isinstance(error, Refused)
    request.app.state.outbox.metrics.refused.labels(error.reason).inc()
    return respond(
        Problem(
            title="The event cannot be served",
            status=422,
            detail=error.message,
            reason=error.reason,
            errors=[FieldError(field=error.field, message=error.message)],
        )
    )


async def not_published(_: Request, error: Exception) -> JSONResponse:
    """503: the broker is away; nothing was accepted, and the same request may be sent again."""
    title = "The event was not accepted"
    return respond(Problem(title=title, status=503, detail=str(error)))


async def bad_parameters(_: Request, error: Exception) -> JSONResponse:
    """422: a path, query or header parameter is not what the route takes."""
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldError(field=".".join(map(str, detail["loc"][1:])), message=detail["msg"])
        for detail in error.errors()
    ]
    detail = "; ".join(f"{one.field}: {one.message}" for one in errors)
    return respond(
        Problem(title="The request cannot be served", status=422, detail=detail, errors=errors)
    )
