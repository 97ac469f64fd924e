"""The two services the page speaks to: the orchestrator answers, the starter publishes."""

from typing import Any
from urllib.parse import quote

import httpx

Document = dict[str, Any]
JSON = {"content-type": "application/json"}


class Away(Exception):
    """A service does not answer, or not with what was asked for."""


class _Service:
    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(base_url=url, timeout=10, trust_env=False, transport=transport)

    def close(self) -> None:
        self._http.close()

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise Away(f"{self._http.base_url} does not answer: {error}") from error
        if answer.is_server_error:
            raise Away(f"{self._http.base_url} answered {answer.status_code}: {_detail(answer)}")
        return answer


class Orchestrator(_Service):
    """The one reader of workflows and instances. Every method raises `Away`."""

    def workflows(self) -> list[Document]:
        return self._items("/workflows")

    def waiting(self, limit: int) -> Document:
        """Return who waits, as `{"items", "next"}`; `limit` is of instances looked at."""
        found: Document = self._send("GET", "/waiting", params={"limit": limit}).json()
        return found

    def parked(self, limit: int) -> list[Document]:
        return self._items("/parked", limit=limit)

    def instance(self, instance_id: str) -> Document | None:
        return self._find(f"/instances/{_part(instance_id)}")

    def history(self, instance_id: str) -> list[Document]:
        found = self._find(f"/instances/{_part(instance_id)}/history")
        return found["items"] if found else []

    def started_by(self, instance_id: str) -> Document | None:
        """Return what became of the event that started an instance."""
        return self._find("/events", instance_id=instance_id)

    def explain(self, event: bytes) -> Document:
        """Return what would become of an event; nothing is done."""
        found: Document = self._send("POST", "/explain", content=event).json()
        return found

    def _items(self, path: str, **params: Any) -> list[Document]:
        items: list[Document] = self._send("GET", path, params=params).json()["items"]
        return items

    def _find(self, path: str, **params: Any) -> Document | None:
        answer = self._send("GET", path, params=params)
        return answer.json() if answer.is_success else None


class Starter(_Service):
    """The only way in. Returns its 202 or its problem details; raises `Away`."""

    def start(self, workflow: str, body: bytes, instance_id: str, key: str) -> Document:
        params = {"instance_id": instance_id} if instance_id else {}
        return self._post(f"/workflows/{_part(workflow)}", body, key, params=params)

    def raise_event(self, instance_id: str, event: str, body: bytes, key: str) -> Document:
        return self._post(f"/instances/{_part(instance_id)}/events/{_part(event)}", body, key)

    def publish(self, cloudevent: bytes) -> Document:
        headers = {"content-type": "application/cloudevents+json"}
        answer: Document = self._send("POST", "/events", content=cloudevent, headers=headers).json()
        return answer

    def _post(self, path: str, body: bytes, key: str, **request: Any) -> Document:
        headers = {**JSON, "idempotency-key": key}
        answer = self._send("POST", path, content=body, headers=headers, **request)
        told: Document = answer.json()
        return told


def _detail(answer: httpx.Response) -> str:
    """Return what problem details say; the answer itself where it has none."""
    try:
        return str(answer.json()["detail"])[:300]
    except (ValueError, KeyError, TypeError):
        return answer.text[:300]


def _part(text: str) -> str:
    """One segment of a path, whatever characters it holds."""
    return quote(text, safe="")
