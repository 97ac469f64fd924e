"""Clients of the two services behind the page: the orchestrator answers, the starter publishes."""

from dataclasses import dataclass
from typing import TypeVar

import httpx
import structlog

from chassis.client import CallFailed, Declined, send
from contracts import calls
from contracts.calls import Call
from contracts.http import EventRecord, FieldError, HistoryEvent, Instance, Workflow
from contracts.served_routes import Routes
from notifier.last_answers import Answer, Away, LastAnswers

__all__ = ["Answer", "Away", "Orchestrator", "Refusal", "Run", "Starter"]

PROBE_SECONDS = 3
"""A service that does not answer within this time is away, until it answers again."""
_KEPT_RUNS = 32

T = TypeVar("T")
_log = structlog.get_logger()


class Refusal(Away):
    """A service refuses what it was sent. The message says why."""

    def __init__(self, error: Declined) -> None:
        super().__init__(str(error))
        self.status = error.status
        self.errors = error.problem.errors if error.problem else []
        first = self.errors[0] if self.errors else FieldError(field=None, message=str(self))
        self.field, self.message = first.field, first.message


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

    def find(self, call: Call[T]) -> T | None:
        """Return the answer; None if the service knows nothing of that name. Raises `Away`."""
        try:
            return self.ask(call)
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise

    def ask(self, call: Call[T]) -> T:
        """Return the answer. Raises `Away`, or `Refusal` for what the service cannot serve."""
        if self.down:
            raise Away(f"the {self.name} does not answer")
        try:
            found = send(self._http, call)
        except CallFailed as error:
            status = error.status if isinstance(error, Declined) else 0
            if isinstance(error, Declined) and status < 500:
                self._failing = False
                raise Refusal(error) from error
            self._note(f"{status or type(error).__name__}: {error}"[:300])
            raise Away(self._refusal(status)) from error
        self._failing = False
        return found

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

    instance: Instance | None
    history: list[HistoryEvent]
    request: EventRecord | None
    """The ledger's record of the event that started it."""


class Orchestrator(_Service):
    """Reads workflows, routes and instances. `last_workflows`, `last_routes` and `last_run` fall
    back to the last answer; everything else raises `Away`."""

    name = "orchestrator"

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(url, transport)
        self._workflows = LastAnswers[list[Workflow]](1)
        self._routes = LastAnswers[Routes](1)
        self._runs = LastAnswers[Run](_KEPT_RUNS)

    def last_workflows(self) -> Answer[list[Workflow]]:
        return self._workflows.ask("", lambda: self.ask(calls.workflows()).items)

    def last_routes(self) -> Answer[Routes]:
        return self._routes.ask("", lambda: self.ask(calls.routes()))

    def last_run(self, instance_id: str) -> Answer[Run]:
        return self._runs.ask(instance_id, lambda: self._run(instance_id))

    def _run(self, instance_id: str) -> Run:
        found = self.find(calls.instance(instance_id))
        history = self.history(instance_id) if found else []
        return Run(found, history, self.find(calls.started_by(instance_id)))

    def history(self, instance_id: str) -> list[HistoryEvent]:
        found = self.find(calls.history(instance_id))
        return found.items if found else []


class Starter(_Service):
    """Publishes events."""

    name = "starter"
    alive = "/readyz"

    def _refusal(self, status: int) -> str:
        if status == 503:
            return "the starter cannot publish: its sidecar or the broker is away"
        if status:
            return "the starter failed; it is safe to send again"
        return super()._refusal(status)
