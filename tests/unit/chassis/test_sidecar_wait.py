"""A service whose sidecar does not answer: its probes say so, and it goes on once one answers."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from chassis.settings import ServiceSettings
from chassis.sidecar_wait import SidecarWait
from tests.support.driver import eventually


@asynccontextmanager
async def sidecar(port: int, status: str) -> AsyncIterator[None]:
    """Answer every request with a status line."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


async def until(url: str, status: int) -> httpx.Response:
    """Ask until the answer has this status."""

    def ask() -> httpx.Response | None:
        with suppress(httpx.TransportError):
            return httpx.get(url, trust_env=False)
        return None

    answer: httpx.Response | None = await asyncio.to_thread(
        eventually, ask, lambda answer: answer is not None and answer.status_code == status
    )
    assert answer is not None
    return answer


@pytest.mark.parametrize("first", [None, "500 Not Yet"], ids=["away", "starting"])
async def test_until_the_sidecar_answers_the_probes_name_what_is_missing(first: str | None) -> None:
    own, its = free_port(), free_port()
    waiting = SidecarWait("A service", ServiceSettings(port=own, dapr_http_port=its))
    said = f"no sidecar answers at http://127.0.0.1:{its}: All connection attempts failed"
    async with (
        asyncio.timeout(30),
        asyncio.TaskGroup() as tasks,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{own}") as client,
    ):
        running = tasks.create_task(waiting.run())
        if first is None:
            missing = (await until(f"http://127.0.0.1:{own}/readyz", 503)).json()["status"]
            assert missing.startswith(f"{said}: does it run?")
            assert "injected" in missing
        else:
            async with sidecar(its, first):
                ready = await until(f"http://127.0.0.1:{own}/readyz", 503)
                said = f"the sidecar at http://127.0.0.1:{its} answers 500"
                assert ready.json() == {"status": said}
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        refused = await client.get("/workflows")
        assert (refused.status_code, said in refused.json()["detail"]) == (503, True)
        async with sidecar(its, "204 No Content"):
            await running
        with pytest.raises(httpx.TransportError):  # the port is free for the service
            await client.get("/healthz")


async def test_a_sidecar_that_answers_is_not_waited_for() -> None:
    own, its = free_port(), free_port()
    async with asyncio.timeout(5), sidecar(its, "204 No Content"):
        await SidecarWait("A service", ServiceSettings(port=own, dapr_http_port=its)).run()
