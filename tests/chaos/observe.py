"""Reads what a storm leads to: the tally, the notifier, the ledger, the engine, the streams."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from redis import RedisError

from contracts.cloudevent import CloudEvent
from contracts.topics import READ_BY, Topic
from tests.chaos.cast import ROUTED_EVENTS, ROUTED_RUNS, SOURCE
from tests.chaos.observed import Execution, Observed
from tests.chaos.workflows.storm import TALLY
from tests.support.brokers import RedisBroker
from tests.support.driver import redis_client
from usher.stack.settings import StackSettings

PAGE = 1000
GLANCE = 100
TOPICS = {
    **{str(topic): group for topic, group in READ_BY.items()},
    ROUTED_RUNS: READ_BY[Topic.REQUESTS],
    ROUTED_EVENTS: READ_BY[Topic.EVENTS],
}
"""Who reads which topic."""
FINISHED = {"COMPLETED", "FAILED", "TERMINATED"}
AWAY = (httpx.HTTPError, RedisError)
"""What is raised while something that is asked does not answer."""


class Observer:
    """Looks often and cheaply at starts and notices; reads all else when the storm is over."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self._http = httpx.Client(timeout=10, trust_env=False)
        self._redis = redis_client(settings, decode_responses=True, socket_timeout=10)
        self._tally = Tally(settings.data_dir / TALLY)
        self._notices: dict[str, dict[str, Any]] = {}
        self.started: set[str] = set()
        self.announced: set[str] = set()

    def close(self) -> None:
        self._tally.close()
        self._http.close()
        self._redis.close()

    def look(self) -> None:
        """See what has started and what was announced since the last look; as far as can be."""
        self.started |= {done.instance_id for done in self._tally.read()}
        try:
            limit = GLANCE
            while self._see(self._items("notifier", "/notices", limit)) == limit < PAGE:
                limit = PAGE
        except httpx.HTTPError:
            pass  # it is away: that is what a storm is about

    def _see(self, notices: list[dict[str, Any]]) -> int:
        """Keep the notices; return how many were new."""
        fresh = {one["id"]: one for one in notices if one["id"] not in self._notices}
        self._notices |= fresh
        self.announced |= {one["instance_id"] for one in fresh.values()}
        return len(fresh)

    def letters(self) -> list[dict[str, Any]]:
        """Return every dead letter. Raises `httpx.HTTPError`."""
        return self._all("notifier", "/dead-letters")

    def unread(self) -> int:
        """Count the entries of the topics that are not acknowledged yet. Raises `RedisError`."""
        return sum(
            RedisBroker(self._redis, self._settings.names).pending(topic, group)
            for topic, group in TOPICS.items()
            if self._redis.exists(topic)
        )

    def unfinished(self) -> list[str]:
        """Return the instances that have not ended. Raises `httpx.HTTPError`."""
        return _unfinished(self._all("orchestrator", "/instances"))

    def parked(self) -> list[str]:
        """Return the ids of the events that wait for an instance. Raises `httpx.HTTPError`."""
        return [one["id"] for one in self._items("orchestrator", "/parked", PAGE)]

    def read_all(self, observed: Observed, marks: list[str]) -> None:
        """Read everything that is kept, when the storm is over."""
        self._see(self._all("notifier", "/notices"))
        observed.executions = self._tally.read_all()
        observed.notices = list(self._notices.values())
        observed.letters = self.letters()
        instances = self._all("orchestrator", "/instances")
        observed.unfinished = _unfinished(instances)
        observed.created = {one["instance_id"]: _unix(one["created_at"]) for one in instances}
        observed.parked = self.parked()
        observed.streams = {str(topic): self._stream(topic) for topic in TOPICS}
        observed.unread = self.unread()
        observed.duplicates = 0
        for mark in marks:
            params = {"source": SOURCE, "id": mark}
            if entry := self._entry(params):
                observed.dispositions[mark] = entry["disposition"]
                observed.duplicates += entry["duplicates"]

    def _entry(self, params: dict[str, str]) -> dict[str, Any] | None:
        """Return what the ledger has of an event: as a command, or by its route."""
        answer = self._http.get(self._url("orchestrator", "/events"), params=params)
        if answer.status_code != httpx.codes.NOT_FOUND:
            entry: dict[str, Any] = answer.raise_for_status().json()
            return entry
        answer = self._http.get(self._url("orchestrator", "/events/routed"), params=params)
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items[0] if items else None

    def history(self, instance_id: str) -> Any:
        """Return what the engine has of an instance, for the evidence."""
        return self._http.get(self._url("orchestrator", f"/instances/{instance_id}/history")).json()

    def without_worker(self, health: str) -> bool:
        """Tell whether a sidecar answers, and says that no workflow worker is connected to it."""
        try:
            answer = self._http.get(urljoin(health, "/v1.0/metadata"), timeout=2)
        except httpx.HTTPError:
            return False
        return answer.is_success and not (answer.json().get("workflows") or {}).get(
            "connectedWorkers"
        )

    def _stream(self, topic: str) -> tuple[int, int]:
        entries: Any = self._redis.xrange(topic)
        return len(entries), len({_identity(fields["data"]) for _, fields in entries})

    def _url(self, service: Any, path: str) -> str:
        return f"{self._settings.url(service)}{path}"

    def _items(self, service: str, path: str, limit: int) -> list[dict[str, Any]]:
        answer = self._http.get(self._url(service, path), params={"limit": limit})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items

    def _all(self, service: str, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        params: dict[str, Any] = {"limit": PAGE}
        while True:
            page = self._http.get(self._url(service, path), params=params).raise_for_status().json()
            items += page["items"]
            if page["next"] is None:
                return items
            params["cursor"] = page["next"]


class Tally:
    """The file that activities append to."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._path = path
        self._file = path.open("rb")

    def close(self) -> None:
        self._file.close()

    def read(self) -> list[Execution]:
        """Return the lines that came since the last call."""
        done = []
        while (line := self._file.readline()).endswith(b"\n"):
            done.append(Execution(**json.loads(line)))
        self._file.seek(-len(line), 1)  # half a line: the rest is to come
        return done

    def read_all(self) -> list[Execution]:
        return [Execution(**json.loads(line)) for line in self._path.read_text().splitlines()]


def _unfinished(instances: list[dict[str, Any]]) -> list[str]:
    return [one["instance_id"] for one in instances if one["status"] not in FINISHED]


def _unix(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _identity(entry: str) -> str:
    """Tell entries of a stream apart: by the CloudEvent's identity, else by their content."""
    try:
        event = CloudEvent.from_dict(json.loads(entry))
    except Exception:
        return entry
    return json.dumps([event.source, event.id])
