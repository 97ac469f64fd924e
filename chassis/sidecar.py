"""A service's own Dapr sidecar, by its HTTP API."""

from collections.abc import Iterable
from typing import Any

import httpx

from chassis.settings import ServiceSettings

Metadata = dict[str, Any]
TOKEN_HEADER = "dapr-api-token"
"""Header of the token that a sidecar and its app show each other."""


def sidecar_http(settings: ServiceSettings, timeout_seconds: float) -> httpx.AsyncClient:
    """Return a client of the sidecar, which no proxy of the environment stands before."""
    token = settings.dapr_api_token
    return httpx.AsyncClient(
        base_url=settings.sidecar_url,
        headers={TOKEN_HEADER: token} if token else {},
        timeout=timeout_seconds,
        trust_env=False,
    )


class Sidecar:
    """What is asked of a sidecar beside its topics. Raises `httpx.HTTPError` when it is away."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def metadata(self) -> Metadata:
        """Return what the sidecar says of itself."""
        answer = await self._http.get("/v1.0/metadata")
        metadata: Metadata = answer.raise_for_status().json()
        return metadata

    async def end(self) -> None:
        """Have the sidecar shut down."""
        (await self._http.post("/v1.0/shutdown")).raise_for_status()

    async def close(self) -> None:
        await self._http.aclose()


def not_subscribed(metadata: Metadata, topics: Iterable[str]) -> str | None:
    """Say which of these topics the sidecar has not subscribed to yet; None for none."""
    taken = {subscription["topic"] for subscription in metadata.get("subscriptions", [])}
    missing = set(map(str, topics)) - taken
    return f"not subscribed yet to {', '.join(sorted(missing))}" if missing else None
