"""The probe routes of a service: `/healthz`, `/readyz`, `/metrics` and `/sidecar`."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from fastapi import APIRouter, HTTPException, Response

METRICS_TYPE = "text/plain; version=0.0.4"


def probes(
    not_ready: Callable[[], Awaitable[str | None]],
    metrics: Callable[[], bytes],
    metadata: Callable[[], Awaitable[dict[str, Any]]] | None = None,
) -> APIRouter:
    """Return the probe routes of one service.

    `not_ready` returns why the service cannot work now, or None. `metadata` asks the sidecar;
    without it there is no `/sidecar`.
    """
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz(response: Response) -> dict[str, str]:
        """The service can work. A 503 says what is missing."""
        missing = await not_ready()
        response.status_code = 503 if missing else 200
        return {"status": missing or "ready"}

    @router.get("/metrics")
    async def all_metrics() -> Response:
        """Metrics in the Prometheus text format."""
        return Response(metrics(), media_type=METRICS_TYPE)

    if metadata is not None:

        @router.get("/sidecar")
        async def sidecar() -> dict[str, Any]:
            """The metadata of the sidecar."""
            try:
                return await metadata()
            except httpx.HTTPError as error:
                raise HTTPException(503, f"the sidecar does not answer: {error}") from error

    return router
