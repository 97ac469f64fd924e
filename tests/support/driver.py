"""What a test does with a running stack: publish as a user would, and read what came out."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
from redis import Redis
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests.support.brokers import Broker, KafkaBroker, RedisBroker
from tests.support.records import PostgresRecords, Records, RedisRecords
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack
from usher.urls import redis_address

Document = dict[str, Any]
Value = TypeVar("Value")


def redis_client(settings: StackSettings, **options: Any) -> Redis:
    """Return a client of the stack's Redis."""
    return Redis(**redis_address(settings).options() | options)


def eventually(
    read: Callable[[], Value], accept: Callable[[Value], bool], seconds: float = 30
) -> Value:
    """Read until the value is accepted; fail with the last value after `seconds`."""
    waiting = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda value: not accept(value)),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    value = waiting(read)
    assert accept(value), f"not within {seconds} s; last seen: {value!r}"
    return value


def fresh(name: str) -> str:
    """Return an id that no other test has."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


class Driver:
    """A user of one stack."""

    def __init__(self, stack: Stack, settings: StackSettings, http: httpx.Client) -> None:
        self.stack = stack
        self.settings = settings
        self.http = http

    def url(self, service: str, path: str) -> str:
        return f"{self.settings.url(service)}{path}"  # type: ignore[arg-type]

    @contextmanager
    def away(self, process: str, healthy_within: float = 60) -> Iterator[None]:
        """Have a process stopped meanwhile; everything is healthy again at the end."""
        self.stack.stop(process)
        try:
            yield
        finally:
            self.stack.start(process)
            self.stack.wait_healthy(timeout=healthy_within)

    def publish(self, topic: str, data: Any, content_type: str = "application/json") -> None:
        """Publish as `dapr publish` does: to the HTTP port of starter's sidecar."""
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        port = self.settings.starter_dapr_http_port
        url = f"http://127.0.0.1:{port}/v1.0/publish/pubsub/{topic}"
        self.http.post(url, content=body, headers={"content-type": content_type}).raise_for_status()

    def request(self, workflow: str, **command: Any) -> None:
        self.publish("workflow-requests", {"workflow": workflow, **command})

    def event(self, instance_id: str, event: str, data: Any = None) -> None:
        command = {"instance_id": instance_id, "event": event, "data": data}
        self.publish("workflow-events", command)

    def cloudevent(self, topic: str, event_id: str, data: Any, **attributes: Any) -> None:
        """Publish a full CloudEvent, which keeps its id and source."""
        envelope = {"specversion": "1.0", "id": event_id, "source": "/tests", "type": "test"}
        event = {**envelope, "datacontenttype": "application/json", "data": data, **attributes}
        self.publish(topic, event, "application/cloudevents+json")

    def get(self, service: str, path: str, **params: Any) -> Document:
        """Read a document; 503 says that it cannot be told yet, so ask again, within a bound."""
        answer = eventually(
            lambda: self.http.get(self.url(service, path), params=params),
            lambda answer: answer.status_code != 503,
        )
        answer.raise_for_status()
        document: Document = answer.json()
        return document

    def post(self, path: str, **request: Any) -> httpx.Response:
        return self.http.post(self.url("starter", path), **request)

    def status(self, instance_id: str) -> str | None:
        """Return the engine's status of an instance, None where there is none (yet)."""
        answer = self.http.get(self.url("starter", f"/status/{instance_id}"))
        return str(answer.json()["status"]) if answer.is_success else None

    def running(self, instance_id: str) -> None:
        eventually(lambda: self.status(instance_id), lambda status: status == "RUNNING")

    def notices(self, instance_id: str) -> list[Document]:
        items: list[Document] = self.get("notifier", "/notices", instance_id=instance_id)["items"]
        return items

    def notice(self, instance_id: str, seconds: float = 30) -> Document:
        """Wait for the notice of an instance, and return it."""
        return eventually(lambda: self.notices(instance_id), bool, seconds)[0]

    def dead_letters(self, **params: Any) -> list[Document]:
        found: list[Document] = self.get("notifier", "/dead-letters", limit=1000, **params)["items"]
        return found

    def dead_letter(self, mark: str, seconds: float = 30) -> Document:
        """Wait for the dead letter whose original event contains `mark`."""

        def marked() -> list[Document]:
            return [one for one in self.dead_letters() if mark in json.dumps(one["event"])]

        return eventually(marked, bool, seconds)[0]

    def pending(self, topic: str, group: str = "orchestrator") -> int:
        """Count what the broker delivered and has no acknowledgement of, plus what it holds yet."""
        with self.broker() as broker:
            return broker.pending(topic, group)

    def append(self, topic: str, entry: bytes | str, headers: Any = None) -> str:
        """Add an entry to a topic past Dapr; return its name at the broker."""
        with self.broker() as broker:
            data = entry.encode() if isinstance(entry, str) else entry
            return broker.append(topic, data, headers)

    @contextmanager
    def broker(self) -> Iterator[Broker]:
        """Give the broker."""
        if self.settings.broker == "kafka":
            yield KafkaBroker(self.settings)
        else:
            with self.redis(decode_responses=True) as client:
                yield RedisBroker(client, self.settings.names)

    def redis(self, **options: Any) -> Redis:
        """Return a client of the stack's Redis."""
        return redis_client(self.settings, **options)

    @contextmanager
    def records(self) -> Iterator[Records]:
        """Give the records of the state store."""
        if self.settings.state == "postgres":
            yield PostgresRecords(self.settings)
        else:
            with self.redis() as client:
                yield RedisRecords(client)

    def ask_engine(self, path: str, **request: Any) -> httpx.Response:
        """Post to the workflow API of the orchestrator's sidecar, past Usher."""
        port = self.settings.orchestrator_dapr_http_port
        url = f"http://127.0.0.1:{port}/v1.0/workflows/dapr/{path}"
        return self.http.post(url, headers=self.stack.secrets.headers, **request)

    def log(self, name: str) -> str:
        return self.stack.log_path(name).read_text(errors="replace")


def letters(usher: Driver, event_id: str) -> list[Document]:
    """Return the dead letters of the events with this id."""
    return [one for one in usher.dead_letters() if one["event"].get("id") == event_id]
