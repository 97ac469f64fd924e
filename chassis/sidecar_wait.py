"""Answers the probes of a service until its sidecar answers, so that they say what is missing.

A pod that Dapr's injector has passed over never gets a sidecar. It must not look well, and its
readiness probe and its log must name the cause.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import structlog
import uvicorn
from fastapi import FastAPI, HTTPException

from chassis.app import new_app
from chassis.http_limits import limited, options
from chassis.probes import probes
from chassis.settings import ServiceSettings
from chassis.sidecar import no_answer, sidecar_http

SECONDS = 0.5
"""Interval at which the sidecar is asked."""
LOGGED_SECONDS = 30
"""Interval at which the log repeats what is missing."""

_log = structlog.get_logger()


def wait_for_sidecar(title: str, settings: ServiceSettings) -> None:
    """Return once the sidecar answers. Until then, serve the probes on the port of the service.

    A signal ends the process, as it does later.
    """
    asyncio.run(SidecarWait(title, settings).run())


class SidecarWait:
    """A server of probes that ends when the sidecar answers."""

    def __init__(self, title: str, settings: ServiceSettings) -> None:
        self._missing: str | None = None
        self._settings = settings
        app = new_app(title, self._lifespan, settings.names)
        app.include_router(probes(self._not_ready, metrics=bytes))
        app.add_api_route("/{path:path}", self._refuse, methods=["GET", "POST"])
        served = uvicorn.Config(limited(app), settings.host, settings.port, **options())
        self._server = uvicorn.Server(served)

    async def run(self) -> None:
        async with sidecar_http(self._settings, timeout_seconds=2) as self._http:
            if await self._look():
                return
            await self._server.serve()

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(self._until_it_answers())
        yield
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking

    async def _until_it_answers(self) -> None:
        logged = 0.0
        while not await self._look():
            now = asyncio.get_running_loop().time()
            if now - logged >= LOGGED_SECONDS:
                _log.warning("not ready", missing=self._missing)
                logged = now
            await asyncio.sleep(SECONDS)
        self._server.should_exit = True

    async def _look(self) -> bool:
        try:
            (await self._http.get("/v1.0/healthz/outbound")).raise_for_status()
        except httpx.HTTPError as error:
            self._missing = no_answer(self._http, error)
            return False
        return True

    async def _not_ready(self) -> str | None:
        return self._missing

    async def _refuse(self, path: str) -> None:  # noqa: ARG002
        raise HTTPException(503, self._missing)
