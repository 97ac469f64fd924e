"""The work on Restate: a server that calls the worker over HTTP/2, and keeps a log of its own."""

import asyncio
import json
import os
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection
from socket import create_connection
from typing import Any

import restate
from hypercorn.asyncio import serve
from hypercorn.config import Config
from redis.asyncio import Redis

from bench.peers import work
from bench.peers.streams import COMPLETIONS, REQUESTS, consume, packed

THREADS = 16
"""Requests handed to the server at once, each once the one before is accepted."""

bench_workflow = restate.Workflow("bench_workflow")
broker = Redis.from_url(os.environ.get("PEER_REDIS_URL", "redis://"))
connections = threading.local()


async def reserve(order: dict[str, Any]) -> dict[str, Any]:
    return work.reserve(order)


async def charge(reserved: dict[str, Any]) -> dict[str, Any]:
    return work.charge(reserved)


async def publish(notice: dict[str, Any]) -> None:
    await broker.xadd(COMPLETIONS, packed(notice))


@bench_workflow.main()
async def run(ctx: restate.WorkflowContext, order: dict[str, Any]) -> dict[str, Any]:
    reserved = await ctx.run_typed("reserve", reserve, order=order)
    charged: dict[str, Any] = await ctx.run_typed("charge", charge, reserved=reserved)
    await ctx.run_typed("publish", publish, notice={"instance": ctx.key(), "output": charged})
    return charged


def on_request(request: dict[str, Any]) -> None:
    path = f"/bench_workflow/{request['id']}/run/send"
    _post("PEER_INGRESS_PORT", path, request["input"])


def _post(port: str, path: str, body: Any) -> None:
    """Post on this thread's connection; what is refused, such as a second start, is raised."""
    if not hasattr(connections, port):
        setattr(connections, port, HTTPConnection("127.0.0.1", int(os.environ[port])))
    connection: HTTPConnection = getattr(connections, port)
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{path}: {answer.status} {said!r}")


def _register_and_consume() -> None:
    """Tell the server where this worker is, once it listens, then take requests."""
    for _ in range(100):
        with suppress(OSError), create_connection(("127.0.0.1", int(os.environ["PEER_PORT"]))):
            break
        time.sleep(0.1)
    uri = f"http://127.0.0.1:{os.environ['PEER_PORT']}"
    _post("PEER_ADMIN_PORT", "/deployments", {"uri": uri, "force": True})
    consume(REQUESTS, on_request, THREADS)


async def main() -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{os.environ['PEER_PORT']}"]
    listening = asyncio.create_task(serve(restate.app([bench_workflow]), config))
    consuming = asyncio.create_task(asyncio.to_thread(_register_and_consume))
    # Whichever ends first has failed, or was told to: the supervisor starts the whole again.
    await asyncio.wait([listening, consuming], return_when=asyncio.FIRST_COMPLETED)
    os._exit(1)


if __name__ == "__main__":
    asyncio.run(main())
