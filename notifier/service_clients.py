"""Clients of the two services behind the page: the orchestrator answers, the starter publishes."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import structlog

from notifier.last_answers import Answer, Away, LastAnswers

Document = dict[str, Any]
__all__ = ["Answer", "Away", "Orchestrator", "Run", "Starter"]
JSON = {"content-type": "application/json"}


PROBE_SECONDS = 3
"""A service that does not answer within this time is away, until it answers again."""
STARTER_SOURCE = "/usher/starter"
"""The source of the events that the starter publishes."""
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
        """Check whether the service answers. While it does not, no page waits for it."""
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
        """Return what a server error of the service means, for people."""
        return f"the {self.name} does not answer"

    def _note(self, error: str) -> None:
        """Log an error, but only the first of several in a row."""
        if not self._failing:
            _log.warning("a service is away", service=self.name, error=error)
        self._failing = True


@dataclass(frozen=True)
class Run:
    """An instance with its history and its request, from the orchestrator."""

    instance: Document | None
    history: list[Document]
    request: Document | None
    """The ledger's record of the event that started it."""


class Orchestrator(_Service):
    """Reads workflows and instances. All methods raise `Away`, except `last_workflows` and
    `last_run`, which fall back to the last answer."""

    name = "orchestrator"

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(url, transport)
        self._workflows = LastAnswers[list[Document]](1)
        self._runs = LastAnswers[Run](_KEPT_RUNS)

    def last_workflows(self) -> Answer[list[Document]]:
        return self._workflows.ask("", self.workflows)

    def last_run(self, instance_id: str) -> Answer[Run]:
        return self._runs.ask(instance_id, lambda: self.run(instance_id))

    def run(self, instance_id: str) -> Run:
        found = self.instance(instance_id)
        history = self.history(instance_id) if found else []
        return Run(found, history, self.started_by(instance_id))

    def workflows(self) -> list[Document]:
        return self._items("/workflows")

    def waiting(self, limit: int) -> Document:
        """Return the waits as `{"items", "next"}`, of up to `limit` instances."""
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
        """Return the ledger's record of the event that started an instance."""
        return self._find("/events", instance_id=instance_id)

    def event_record(self, event_id: str) -> Document | None:
        """Return the ledger's record of an event from the starter; None if there is none yet."""
        return self._find("/events", source=STARTER_SOURCE, id=event_id)

    def explain(self, event: bytes) -> Document:
        """Return what would become of an event. Nothing is changed."""
        found: Document = self._send("POST", "/explain", content=event).json()
        return found

    def _items(self, path: str, **params: Any) -> list[Document]:
        items: list[Document] = self._send("GET", path, params=params).json()["items"]
        return items

    def _find(self, path: str, **params: Any) -> Document | None:
        answer = self._send("GET", path, params=params)
        return answer.json() if answer.is_success else None


class Starter(_Service):
    """Publishes events. Methods return the body of the 202 or the problem, or raise `Away`."""

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
            return "the starter cannot publish: its sidecar or the broker is away"
        return "the starter failed; it is safe to send again"

    def _post(self, path: str, body: bytes, key: str, **request: Any) -> Document:
        headers = {**JSON, "idempotency-key": key}
        answer = self._send("POST", path, content=body, headers=headers, **request)
        body_or_problem: Document = answer.json()
        return body_or_problem


def _detail(answer: httpx.Response) -> str:
    """Return the detail of a problem; the text of the answer if it is none."""
    try:
        return str(answer.json()["detail"])[:300]
    except (ValueError, KeyError, TypeError):
        return answer.text[:300]


def _part(text: str) -> str:
    """Return text as one segment of a path, escaped."""
    return quote(text, safe="")
