"""The one HTTP client of services, page and command line: it sends a `contracts.calls.Call`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from contracts.calls import Call
from contracts.http import Problem
from contracts.refusal import shortened

T = TypeVar("T")


@dataclass(frozen=True)
class Message:
    """One server-sent event."""

    data: str
    event: str
    id: str


class CallFailed(Exception):
    """The service did not do what it was asked."""


class Unanswered(CallFailed):
    """Nothing answers. `error` says why; what was sent may have been accepted all the same."""

    def __init__(self, error: httpx.HTTPError) -> None:
        super().__init__(str(error) or type(error).__name__)
        self.error = error


class Declined(CallFailed):
    """The service answered with an error. `problem` is None if it sent no problem details."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.phrase = response.reason_phrase
        self.problem = _problem(response)
        super().__init__(self.problem.text if self.problem else shortened(response.text))


class Misread(CallFailed):
    """What answers is no service of Usher, or one of a version that does not fit."""


def send(http: httpx.Client, call: Call[T], base: str = "") -> T:
    """Send a call and return its answer. Raises `CallFailed`."""
    with _noting():
        response = http.request(call.method, base + call.path, **_request(call))
    return answer(call, response)


async def send_async(http: httpx.AsyncClient, call: Call[T], **options: Any) -> T:
    """Do what `send` does, on the event loop; `options` are those of httpx."""
    with _noting():
        response = await http.request(call.method, call.path, **_request(call), **options)
    return answer(call, response)


def stream(http: httpx.Client, call: Call[T], base: str = "") -> Iterator[T]:
    """Send a call whose answer is a stream of server-sent events, and yield the data of each."""
    for message in messages(http, call, base):
        yield _read(call, message.data)


def messages(http: httpx.Client, call: Call[Any], base: str = "") -> Iterator[Message]:
    """Send a call, and yield each server-sent event of its answer, which has one line of data."""
    with (
        _noting(),
        http.stream(call.method, base + call.path, **_request(call)) as response,
    ):
        if not response.is_success:
            response.read()
            raise Declined(response)
        fields: dict[str, str] = {}
        for line in response.iter_lines():
            name, _, value = line.partition(":")
            if line:
                fields[name] = value.removeprefix(" ")
            elif "data" in fields:
                yield Message(fields["data"], fields.get("event", ""), fields.get("id", ""))
                fields = {}


def answer(call: Call[T], response: httpx.Response) -> T:
    """Return the answer that a response holds. Raises `Declined` or `Misread`."""
    if not response.is_success:
        raise Declined(response)
    return _read(call, response.content)


def _request(call: Call[Any]) -> dict[str, Any]:
    params = {name: value for name, value in call.params.items() if value is not None}
    return {"params": params, "content": call.body, "headers": dict(call.headers)}


@contextmanager
def _noting() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise Unanswered(error) from error


def _read(call: Call[T], text: str | bytes) -> T:
    try:
        # Pydantic's own parser takes no JSON that is deeper than 200.
        return TypeAdapter(call.returns).validate_python(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise Misread(_first(error)) from error


def _first(error: Exception) -> str:
    """Say what is wrong first; an answer that is no JSON object has no place."""
    if not isinstance(error, ValidationError):
        return "what it answers is no JSON object"
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if not first["loc"]:
        return "what it answers is no JSON object"
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _problem(response: httpx.Response) -> Problem | None:
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        return None
