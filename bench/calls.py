"""`python -m bench.calls`: the CPU that one read of the state store costs, by how it is asked for.

The same read through the same sidecar: the SDK's blocking client on so many threads, the same
method on asyncio, and HTTP. What the caller and the sidecar use is told apart.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from bench.contenders import chosen
from bench.running import running
from bench.stacks import find_binaries, stack_settings
from bench.usage import own_cpu, usage_of
from contracts.topics import STATE_STORE
from usher.stack.settings import LOOPBACK, StackSettings

BUILD = Path(__file__).parents[1] / "build" / "bench"
KEY = "bench-calls"


def main(
    count: Annotated[int, typer.Option(help="reads a row")] = 3000,
    ports_beside: Annotated[int, typer.Option()] = 2000,
) -> None:
    """Bring a stack up, read a key over and over, and show what a read has cost."""
    out, err = Console(width=120), Console(stderr=True)
    contender = chosen(["plain-tuned"])[0]
    settings = stack_settings(contender, BUILD, ports_beside)
    os.environ |= {
        "DAPR_HTTP_PORT": str(settings.orchestrator_dapr_http_port),
        "no_proxy": LOOPBACK,
    }
    table = Table("one read", "caller, ms", "sidecar, ms", "Redis, ms")
    with running(contender, settings, find_binaries(err.print), err.print):
        for name, work in _ways(settings, count).items():
            before, own = usage_of(settings.data_dir), own_cpu()
            work()
            own = own_cpu() - own
            used = usage_of(settings.data_dir).since(before)
            cells = (own, used["orchestrator-daprd"], used["redis"])
            table.add_row(name, *(f"{seconds * 1000 / count:.2f}" for seconds in cells))
    out.print(table)


def _ways(settings: StackSettings, count: int) -> dict[str, Callable[[], Any]]:
    from dapr.clients import DaprClient

    address = f"{LOOPBACK}:{settings.orchestrator_dapr_grpc_port}"
    url = f"http://{LOOPBACK}:{settings.orchestrator_dapr_http_port}/v1.0/state/{STATE_STORE}/bulk"

    keys = {"keys": [KEY]}

    def blocking(threads: int) -> None:
        with DaprClient(address) as client, ThreadPoolExecutor(threads) as pool:
            for one in [pool.submit(client.get_state, STATE_STORE, KEY) for _ in range(count)]:
                one.result()

    def over_http(threads: int) -> None:
        with httpx.Client(trust_env=False) as client, ThreadPoolExecutor(threads) as pool:
            # The sidecar lets nobody GET what it keeps: components/own-programs.yaml.
            for one in [pool.submit(client.post, url, json=keys) for _ in range(count)]:
                one.result().raise_for_status()

    return {
        "warm-up": lambda: blocking(8),
        **{f"SDK, {n} threads": lambda n=n: blocking(n) for n in (1, 4, 8, 16, 32)},  # type: ignore[misc]
        "asyncio, 16 at once": lambda: asyncio.run(_on_asyncio(address, count, 16)),
        "HTTP by httpx, 4 threads": lambda: over_http(4),
    }


async def _on_asyncio(address: str, count: int, at_once: int) -> None:
    from dapr.aio.clients import DaprClient

    async with DaprClient(address) as client:

        async def some() -> None:
            for _ in range(count // at_once):
                await client.get_state(STATE_STORE, KEY)

        await asyncio.gather(*(some() for _ in range(at_once)))


if __name__ == "__main__":
    typer.run(main)
