"""Asks a service's HTTP app without a server: one request in, its answer out."""

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
from fastapi import FastAPI

from chassis.metrics import ServiceMetrics


def ask(
    app: FastAPI, method: str, path: str, *, raises: bool = True, **request: Any
) -> httpx.Response:
    """Send one request as `httpx.AsyncClient.request` does; the app's lifespan does not run.

    An exception that no handler takes is raised, or else answered as a server would.
    """

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=raises)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **request)

    return asyncio.run(call())


def service_of(missing: str | None = None, **parts: Any) -> SimpleNamespace:
    """Return a service with these parts, and with what its probes ask."""

    async def not_ready() -> str | None:
        return missing

    async def metadata() -> dict[str, Any]:
        return {"id": "it"}

    asked = {"not_ready": not_ready, "sidecar": SimpleNamespace(metadata=metadata)}
    return SimpleNamespace(**{"metrics": ServiceMetrics(), **asked, **parts})
