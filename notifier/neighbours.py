"""The two services the page speaks to: the orchestrator answers, the starter publishes."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import structlog

from notifier.recall import Away, Recall, Told

Document = dict[str, Any]
__all__ = ["Away", "Orchestrator", "Run", "Starter", "Told"]
JSON = {"content-type": "application/json"}


PROBE_SECONDS = 3
"""A neighbour that says nothing for so long is away, until it answers again."""
STARTER_SOURCE = "/usher/starter"
"""The source of the events that the starter makes of requests."""
_KEPT_RUNS = 32

_log = structlog.get_logger()


class _Service:
    name = ""
    alive = "/healthz"

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(base_url=url, timeout=10, trust_env=False, transport=transport)
        self.down = False
        self._failing = False

    def close(self) -> None:
        self._http.close()

    def probe(self) -> None:
        """Find out whether it answers at all. While it does not, no page waits for it."""
        try:
            self.down = self._http.get(self.alive, timeout=PROBE_SECONDS).is_server_error
        except httpx.HTTPError:
            self.down = True

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        if self.down:
            raise Away(f"the {self.name} does not answer")
        try:
            answer = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            self._note(f"{type(error).__name__}: {error}")
            raise Away(f"the {self.name} does not answer") from error
        if answer.is_server_error:
            self._note(f"{answer.status_code}: {_detail(answer)[:300]}")
            raise Away(self._refusal(answer.status_code))
        self._failing = False
        return answer

    def _refusal(self, _: int) -> str:
        """Return what an error of the service means, in plain words."""
        return f"the {self.name} does not answer"

    def _note(self, error: str) -> None:
        """Log what went wrong, once for each time that it begins to."""
        if not self._failing:
            _log.warning("a neighbour is away", service=self.name, error=error)
        self._failing = True


@dataclass(frozen=True)
class Run:
    """What the orchestrator has of one instance."""

    instance: Document | None
    history: list[Document]
    request: Document | None
    """What became of the event that started it."""


class Orchestrator(_Service):
    """The one reader of workflows and instances. Every method raises `Away`, but those that recall
    what they heard last."""

    name = "orchestrator"

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(url, transport)
        self._workflows = Recall[list[Document]](1)
        self._runs = Recall[Run](_KEPT_RUNS)

    def recall_workflows(self) -> Told[list[Document]]:
        return self._workflows.ask("", self.workflows)

    def recall_run(self, instance_id: str) -> Told[Run]:
        return self._runs.ask(instance_id, lambda: self.run(instance_id))

    def run(self, instance_id: str) -> Run:
        found = self.instance(instance_id)
        history = self.history(instance_id) if found else []
        return Run(found, history, self.started_by(instance_id))

    def workflows(self) -> list[Document]:
        return self._items("/workflows")

    def waiting(self, limit: int) -> Document:
        """Return who waits, as `{"items", "next"}`; `limit` is of instances looked at."""
        found: Document = self._send("GET", "/waiting", params={"limit": limit}).json()
        return found

    def parked(self, limit: int) -> list[Document]:
        return self._items("/parked", limit=limit)

    def stalled(self, limit: int) -> list[Document]:
        return self._items("/instances", status="STALLED", limit=limit)

    def instance(self, instance_id: str) -> Document | None:
        return self._find(f"/instances/{_part(instance_id)}")

    def history(self, instance_id: str) -> list[Document]:
        found = self._find(f"/instances/{_part(instance_id)}/history")
        return found["items"] if found else []

    def started_by(self, instance_id: str) -> Document | None:
        """Return what became of the event that started an instance."""
        return self._find("/events", instance_id=instance_id)

    def became(self, event_id: str) -> Document | None:
        """Return what became of an event that the starter made; None while that is not known."""
        return self._find("/events", source=STARTER_SOURCE, id=event_id)

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

    name = "starter"
    alive = "/readyz"

    def start(self, workflow: str, body: bytes, instance_id: str, key: str) -> Document:
        params = {"instance_id": instance_id} if instance_id else {}
        return self._post(f"/workflows/{_part(workflow)}", body, key, params=params)

    def raise_event(self, instance_id: str, event: str, body: bytes, key: str) -> Document:
        return self._post(f"/instances/{_part(instance_id)}/events/{_part(event)}", body, key)

    def publish(self, cloudevent: bytes) -> Document:
        headers = {"content-type": "application/cloudevents+json"}
        answer: Document = self._send("POST", "/events", content=cloudevent, headers=headers).json()
        return answer

    def _refusal(self, status: int) -> str:
        if status == 503:
            return "the starter cannot publish, its sidecar or the broker is away"
        return "the starter failed, and sending it again is safe"

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
