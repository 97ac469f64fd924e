"""The HTTP server's limits: bodies that are too large, and clients that are too slow."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request

from chassis import http_limits
from chassis.http_limits import BodyLimit, PatientProtocol

MOST = 1000


def small() -> FastAPI:
    app = FastAPI()

    @app.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    @app.get("/size")
    async def nothing() -> int:
        return 0

    app.add_middleware(BodyLimit, most=MOST, seconds=0.3)
    return app


async def post(content: Any, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(small())
    async with httpx.AsyncClient(transport=transport, base_url="http://s") as client:
        return await client.post("/size", content=content, headers=headers)


async def chunks(*sizes: int) -> AsyncIterator[bytes]:
    for size in sizes:
        yield b"x" * size


async def test_a_body_of_the_limit_comes_through() -> None:
    assert (await post(b"x" * MOST)).json() == MOST
    assert (await post(chunks(400, 600))).json() == MOST
    assert (await post(b"")).json() == 0


@pytest.mark.parametrize("sizes", [(MOST + 1,), (400, 601), (1,) * (MOST + 1)])
async def test_a_larger_body_is_refused_with_the_limit(sizes: tuple[int, ...]) -> None:
    for answer in (await post(chunks(*sizes)), await post(b"x" * sum(sizes))):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert "1,000 bytes" in answer.json()["detail"]


async def test_a_body_that_does_not_come_is_refused() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    answer = await post(slow())
    assert answer.status_code == 408
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(http_limits, "HEAD_SECONDS", 0.4)
    return 0.4


async def test_a_head_that_does_not_come_ends_the_connection(patience: float) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(small(), http=PatientProtocol, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        port = listening.getsockname()[1]
        for begin in (b"", b"GET /size HTTP/1.1\r\nx", b"GET /size HTTP/1.1\r\n\r\nGET /si"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begin)
            await asyncio.wait_for(reader.read(), 20 * patience)  # until the server closes it
            writer.close()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await client.get("/size")).json() == 0
        server.should_exit = True
        await serving
