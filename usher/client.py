"""HTTP client of the three services: what the command line asks and sends."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from usher.errors import CommandError, NotFound, Refused, Unreachable
from usher.services import Service

Document = dict[str, Any]


class Client:
    """Speaks to the services over an injected `httpx.Client`, which its owner closes.

    Every method returns the service's JSON document as it is, and raises `Unreachable`,
    `NotFound`, `Refused` or another `CommandError`.
    """

    def __init__(self, http: httpx.Client, urls: Mapping[Service, str]) -> None:
        self._http = http
        self._urls = urls

    def publish(
        self,
        workflow: str,
        payload: bytes | None = None,
        *,
        key: str | None = None,
        instance_id: str | None = None,
        event_id: str | None = None,
    ) -> Document:
        """Ask the starter for a workflow; `payload` is its input as JSON.

        Returns `{"instance_id", "event_id"}` once the broker has the request.
        """
        params = {"key": key, "instance_id": instance_id}
        return self._post(f"/workflows/{_part(workflow)}", payload, params, event_id)

    def raise_event(
        self, instance: str, event: str, payload: bytes | None = None, *, event_id: str | None
    ) -> Document:
        """Publish an event for an instance; `payload` is its data as JSON."""
        path = f"/instances/{_part(instance)}/events/{_part(event)}"
        return self._post(path, payload, {}, event_id)

    def status(self, instance: str) -> Document:
        """One instance as the starter's `/status/{instance_id}` shows it."""
        return self._call("starter", "GET", f"/status/{_part(instance)}")

    def instances(
        self, limit: int, status: str | None, workflow: str | None, cursor: str | None
    ) -> Document:
        """The orchestrator's `{"items": [...], "next"}` of instances, in the order of their ids."""
        asked = {"limit": limit, "status": status, "workflow": workflow, "cursor": cursor}
        return self._call("orchestrator", "GET", "/instances", params=_given(asked))

    def waiting(self, limit: int, cursor: str | None) -> Document:
        """The orchestrator's `{"items": [...], "next"}` of who waits for which event."""
        params = _given({"limit": limit, "cursor": cursor})
        return self._call("orchestrator", "GET", "/waiting", params=params)

    def event(self, source: str, event_id: str) -> Document:
        """What became of one event, as the orchestrator's ledger has it."""
        params = {"source": source, "id": event_id}
        return self._call("orchestrator", "GET", "/events", params=params)

    def timeline(self, instance: str) -> Document:
        """The notifier's `{"instance", "notice", "steps"}` of one instance."""
        return self._call("notifier", "GET", f"/timeline/{_part(instance)}")

    def workflows(self) -> Document:
        """The orchestrator's `{"items": [...], "next"}` of workflows it serves."""
        return self._call("orchestrator", "GET", "/workflows", params={"limit": 1000})

    def notices(self, limit: int = 100) -> Document:
        """The notifier's `{"items": [...], "next"}` of endings, newest first."""
        return self._call("notifier", "GET", "/notices", params={"limit": limit})

    def dead_letters(
        self,
        limit: int = 100,
        reason: str | None = None,
        workflow: str | None = None,
        cursor: int | None = None,
    ) -> Document:
        """The notifier's `{"items": [...], "next"}` of what could not be served."""
        asked = {"limit": limit, "reason": reason, "workflow": workflow, "cursor": cursor}
        return self._call("notifier", "GET", "/dead-letters", params=_given(asked))

    def explain(self, event: bytes) -> Document:
        """What the orchestrator would do with an event; nothing is done."""
        return self._call("orchestrator", "POST", "/explain", content=event)

    def publish_event(self, cloudevent: bytes) -> Document:
        """Publish a CloudEvent as it is, through the starter's `/events`."""
        headers = {"Content-Type": "application/cloudevents+json"}
        return self._call("starter", "POST", "/events", headers=headers, content=cloudevent)

    def note_redriven(self, letter_id: str, attempts: int) -> Document:
        """Tell the notifier that a letter's event was sent again, after so many attempts."""
        path = f"/dead-letters/{_part(letter_id)}/redriven"
        return self._call("notifier", "POST", path, params={"attempts": attempts})

    def doctor(self) -> Document:
        """What the orchestrator sees that would break a promise."""
        return self._call("orchestrator", "GET", "/doctor")

    def sidecar(self, service: Service) -> Document:
        """What the sidecar of orchestrator or notifier says of itself; the service passes it on."""
        return self._call(service, "GET", "/sidecar")

    def look_up_events(self, keys: list[str]) -> Document:
        """What the ledger has of these events, at most 1000, and what is missing of each."""
        return self._call("orchestrator", "POST", "/events/lookup", json={"keys": keys})

    def look_up_dead_letters(self, ids: list[str]) -> Document:
        """Which of these dead letters, at most 1000, the notifier holds."""
        return self._call("notifier", "POST", "/dead-letters/lookup", json={"ids": ids})

    def look_up_notices(self, ids: list[str]) -> Document:
        """Which of these notices, at most 1000, the notifier holds."""
        return self._call("notifier", "POST", "/notices/lookup", json={"ids": ids})

    def etcd_takes_json(self, url: str) -> bool:
        """Whether an etcd at `url` takes commands over plain HTTP; False where nothing answers."""
        try:
            return self._http.post(f"{url}/v3/maintenance/status", content="{}").is_success
        except httpx.HTTPError:
            return False

    def _post(
        self, path: str, payload: bytes | None, params: dict[str, str | None], event_id: str | None
    ) -> Document:
        headers = {"Content-Type": "application/json"} if payload is not None else {}
        if event_id is not None:
            headers["Idempotency-Key"] = event_id
        params = _given(params)
        return self._call("starter", "POST", path, params=params, headers=headers, content=payload)

    def _call(self, service: Service, method: str, path: str, **request: Any) -> Document:
        url = self._urls[service]
        where = f"The {service} at {url}"
        try:
            response = self._http.request(method, url + path, **request)
        except httpx.ProxyError as error:
            raise Unreachable(f"The {service} cannot be reached at {url}.", f"{error}.") from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(
                f"The {service} cannot be reached at {url}.",
                f"{error}. Start the stack with `usher up`, or say where the {service} is with "
                f"USHER_{service.upper()}_URL.",
            ) from error
        except httpx.TransportError as error:
            raise Unreachable(f"{where} did not answer.", _lost(method, error)) from error
        if not response.is_success:
            raise _problem(response, where)
        document = _json_object(response)
        if document is None:
            raise Unreachable(f"{where} is something else: what it answers is no JSON object.")
        return document


def _part(text: str) -> str:
    """One segment of a path, whatever characters it holds."""
    return quote(text, safe="")


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What of a query is asked for at all."""
    return {name: value for name, value in asked.items() if value is not None}


def _lost(method: str, error: httpx.TransportError) -> str:
    cause = str(error) or type(error).__name__
    if method == "POST":
        return f"{cause}. What was sent may have been accepted all the same."
    return f"{cause}. `usher logs` shows what it is doing."


def _problem(response: httpx.Response, where: str) -> CommandError:
    """The error that an answer other than 2xx stands for."""
    status = response.status_code
    problem = _json_object(response) or {}
    errors = [
        {"field": entry.get("field") or "", "message": str(entry.get("message", ""))}
        for entry in problem.get("errors") or []
        if isinstance(entry, dict)
    ]
    kind: type[CommandError] = CommandError
    if status == httpx.codes.NOT_FOUND:
        kind = NotFound
    elif response.is_client_error:
        kind = Refused
    elif response.is_redirect or status in (502, 503, 504):
        kind = Unreachable
    detail = problem.get("detail") or problem.get("title")
    return kind(
        f"{where} answered {f'{status} {response.reason_phrase}'.strip()}.",
        str(detail) if detail else None,
        errors,
        problem.get("reason"),
    )


def _json_object(response: httpx.Response) -> Document | None:
    try:
        document = response.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
