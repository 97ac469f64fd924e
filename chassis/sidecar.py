"""A client of the service's own Dapr sidecar, over HTTP."""

from collections.abc import Iterable
from typing import Any

import httpx

from chassis.settings import ServiceSettings

Metadata = dict[str, Any]
_WHY = "does it run? On Kubernetes: was the pod injected, has it a container `daprd`?"
TOKEN_HEADER = "dapr-api-token"
"""Header of the token that a sidecar and its app send each other."""


def sidecar_http(settings: ServiceSettings, timeout_seconds: float) -> httpx.AsyncClient:
    """Return an HTTP client for the sidecar; it ignores proxy settings of the environment."""
    token = settings.dapr_api_token
    return httpx.AsyncClient(
        base_url=settings.sidecar_url,
        headers={TOKEN_HEADER: token} if token else {},
        timeout=timeout_seconds,
        trust_env=False,
    )


def no_answer(http: httpx.AsyncClient, error: httpx.HTTPError) -> str:
    """Return what to say where a call to the sidecar failed, with the likely causes."""
    where = str(http.base_url).rstrip("/")
    if isinstance(error, httpx.HTTPStatusError):
        return f"the sidecar at {where} answers {error.response.status_code}"
    return f"no sidecar answers at {where}: {error or type(error).__name__}: {_WHY}"


class Sidecar:
    """Calls to a sidecar beside topics. Each raises `httpx.HTTPError` when the sidecar is away."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    def no_answer(self, error: httpx.HTTPError) -> str:
        """Return what to say where a call failed with this error."""
        return no_answer(self._http, error)

    async def metadata(self) -> Metadata:
        """Return the metadata of the sidecar."""
        answer = await self._http.get("/v1.0/metadata")
        metadata: Metadata = answer.raise_for_status().json()
        return metadata

    async def end(self) -> None:
        """Shut the sidecar down."""
        (await self._http.post("/v1.0/shutdown")).raise_for_status()

    async def close(self) -> None:
        await self._http.aclose()


def not_subscribed(metadata: Metadata, topics: Iterable[str]) -> str | None:
    """Return which of these topics the sidecar has not subscribed to yet; None if it has all."""
    taken = {subscription["topic"] for subscription in metadata.get("subscriptions", [])}
    missing = set(map(str, topics)) - taken
    return f"not subscribed yet to {', '.join(sorted(missing))}" if missing else None
