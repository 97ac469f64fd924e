"""Limits of the HTTP server: how large a body may be, and how long a client may take to send.

Uvicorn limits idle time and the size of a head. It would wait without end for a head or a body that
comes a byte at a time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from contracts.limits import MAX_BODY_BYTES

MEDIA_TYPE = "application/problem+json"
HEAD_SECONDS = 10
"""How long a request line with its headers may take to arrive."""
BODY_SECONDS = 30
"""How long a body may take to arrive."""
_DRAIN_SECONDS = 2
"""How long a refused body is still read, so that its sender gets to read the answer."""


def run(app: FastAPI, host: str, port: int) -> None:
    """Serve an app until a signal stops it."""
    uvicorn.run(limited(app), host=host, port=port, **options())


def limited(app: FastAPI) -> FastAPI:
    """Return the app, which now refuses bodies that are too large or too slow."""
    app.add_middleware(BodyLimit)
    return app


def options() -> dict[str, Any]:
    """Return the options of uvicorn that every server has."""
    # `logs.py` has set logging up.
    return {"http": PatientProtocol, "log_level": "warning", "log_config": None}


class BodyLimit:
    """Reads the body of a request before the app gets it, up to a size and for a time."""

    def __init__(
        self, app: ASGIApp, most: int = MAX_BODY_BYTES, seconds: float = BODY_SECONDS
    ) -> None:
        self._app = app
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        length = headers.get(b"content-length", b"0")
        if scope["type"] != "http" or not (int(length) or b"transfer-encoding" in headers):
            await self._app(scope, receive, send)
            return
        if int(length) > self._most:
            await self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, receive, send)
            return
        try:
            body = await asyncio.wait_for(self._read(receive), self._seconds)
        except TimeoutError:
            await self._refuse(HTTPStatus.REQUEST_TIMEOUT, receive, send)
            return
        if body is None:
            return
        if len(body) > self._most:
            await self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the body, or a start of it above the limit; None if the client disconnected."""
        body = bytearray()
        async for chunk in _chunks(receive):
            if chunk is None:
                return None
            body += chunk
            if len(body) > self._most:
                break
        return bytes(body)

    async def _refuse(self, status: HTTPStatus, receive: Receive, send: Send) -> None:
        """Answer with problem details, and close the connection."""
        detail = f"the body is too large: the limit is {self._most:,} bytes"
        if status is HTTPStatus.REQUEST_TIMEOUT:
            detail = f"the body did not arrive within {self._seconds:g} s"
        problem = {"type": "about:blank", "title": status.phrase, "status": status, "errors": []}
        answer = JSONResponse({**problem, "detail": detail}, status, media_type=MEDIA_TYPE)
        headers = [*answer.raw_headers, (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            with suppress(TimeoutError):
                await asyncio.wait_for(_drain(receive), _DRAIN_SECONDS)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _chunks(receive: Receive) -> AsyncIterator[bytes | None]:
    """Yield the chunks of a body; None if the client disconnected."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            yield None
            return
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def _drain(receive: Receive) -> None:
    async for _ in _chunks(receive):
        pass


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields the body that was read, and then new messages."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection if the head of a request does not arrive in time."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._waits_since = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._next_look.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._waits_since = self.loop.time()
        super().on_response_complete()

    def _look(self) -> None:
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self.loop.time() - self._waits_since > HEAD_SECONDS:
            self.transport.close()
        self._next_look = self.loop.call_later(HEAD_SECONDS / 4, self._look)
