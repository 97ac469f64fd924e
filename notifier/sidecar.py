"""The notifier's own sidecar, by its HTTP API. Raises `httpx.HTTPError` when it is away."""

from typing import Any

import httpx


class Sidecar:
    """What is asked of it beside the topics."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def metadata(self) -> dict[str, Any]:
        """Return what it says of itself."""
        answer: dict[str, Any] = self._client.get("/v1.0/metadata").raise_for_status().json()
        return answer

    def end(self) -> None:
        """Have it shut down."""
        self._client.post("/v1.0/shutdown").raise_for_status()

    def close(self) -> None:
        self._client.close()
