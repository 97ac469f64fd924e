"""HTTP client of the command line: sends calls to the three services, and says what went wrong."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from chassis.client import CallFailed, Declined, Message, Unanswered, messages, send, stream
from contracts.calls import Call
from contracts.services import Service
from usher.errors import CommandError, NotFound, Refused, Unreachable

T = TypeVar("T")


class Client:
    """Speaks to the services over an injected `httpx.Client`, which its owner closes.

    Raises `Unreachable`, `NotFound`, `Refused` or another `CommandError`.
    """

    def __init__(
        self,
        http: httpx.Client,
        urls: Mapping[Service, str],
        orchestrators: Sequence[str] = (),
    ) -> None:
        """`orchestrators` are the URLs of all replicas, if there are several."""
        self._http = http
        self._urls = urls
        self._orchestrators = orchestrators or (urls["orchestrator"],)

    def each_orchestrator(self) -> Iterator[tuple[str, "Client"]]:
        """Yield the URL of each orchestrator, and a client that asks this one."""
        for url in self._orchestrators:
            yield url, Client(self._http, {**self._urls, "orchestrator": url})

    def send(self, call: Call[T]) -> T:
        """Send a call and return its answer."""
        with self._explaining(call):
            return send(self._http, call, self._urls[call.service])

    def stream(self, call: Call[T]) -> Iterator[T]:
        """Send a call and yield each message of its answer."""
        with self._explaining(call):
            yield from stream(self._http, call, self._urls[call.service])

    def messages(self, call: Call[Any]) -> Iterator[Message]:
        """Send a call and yield each server-sent event of its answer."""
        with self._explaining(call):
            yield from messages(self._http, call, self._urls[call.service])

    def etcd_takes_json(self, url: str) -> bool:
        """Whether an etcd at `url` takes commands over plain HTTP; False where nothing answers."""
        try:
            return self._http.post(f"{url}/v3/maintenance/status", content="{}").is_success
        except httpx.HTTPError:
            return False

    @contextmanager
    def _explaining(self, call: Call[Any]) -> Iterator[None]:
        service, url = call.service, self._urls[call.service]
        where = f"The {service} at {url}"
        try:
            yield
        except Unanswered as error:
            reach = f"The {service} cannot be reached at {url}."
            raise _unanswered(error, call, where, reach) from error
        except Declined as error:
            raise _declined(error, where) from error
        except CallFailed as error:
            raise Unreachable(f"{where} is something else: {error}.") from error


def _unanswered(error: Unanswered, call: Call[Any], where: str, not_reached: str) -> Unreachable:
    cause = error.error
    if isinstance(cause, httpx.ProxyError):
        return Unreachable(not_reached, f"{cause}.")
    if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout):
        return Unreachable(
            not_reached,
            f"{cause}. Start the stack with `usher up`, or say where the {call.service} is with "
            f"USHER_{call.service.upper()}_URL.",
        )
    then = "`usher logs` shows what it is doing."
    if call.method == "POST":
        then = "What was sent may have been accepted all the same."
    return Unreachable(f"{where} did not answer.", f"{error}. {then}")


def _declined(error: Declined, where: str) -> CommandError:
    """Return the error that an answer other than 2xx stands for."""
    status, problem = error.status, error.problem
    kind: type[CommandError] = CommandError
    if status == httpx.codes.NOT_FOUND:
        kind = NotFound
    elif httpx.codes.is_client_error(status):
        kind = Refused
    elif httpx.codes.is_redirect(status) or status in (502, 503, 504):
        kind = Unreachable
    title = f"{where} answered {f'{status} {error.phrase}'.strip()}."
    if problem is None:
        return kind(title)
    errors = [{"field": one.field or "", "message": one.message} for one in problem.errors]
    return kind(title, problem.text, errors, problem.reason)
