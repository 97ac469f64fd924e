"""Everything `usher doctor` looks at, and what could not be seen."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import time
from typing import Any

from redis import Redis, ResponseError

from contracts import calls
from contracts.brokers import KAFKA, REDIS, BrokerNames, other_brokers
from contracts.finding import Finding
from contracts.http import Windows
from contracts.services import Service
from contracts.topics import OWN_KEYS, PUBSUB, READ_BY, Topic
from usher.client import Client
from usher.doctor import routes
from usher.doctor.broker import brokers
from usher.doctor.dapr_runtime import alike, etcd, notifier
from usher.doctor.delivery import outages, resiliency
from usher.doctor.redis_config import redis_config
from usher.doctor.resources import of_type, read
from usher.doctor.retention import retention, stores
from usher.doctor.scopes import scopes
from usher.doctor.streams import Stream, streams, unread
from usher.errors import CommandError, Unreachable

DEFAULTS = Windows(ledger_days=30, stream_days=7, call_timeout_seconds=8)
"""Held against the files where the orchestrator cannot say what it has."""


@dataclass
class Diagnosis:
    """What was found, refusals first; `not_seen` is what could not be looked at, and why."""

    findings: list[Finding] = field(default_factory=list)
    not_seen: list[str] = field(default_factory=list)

    def count(self, level: str) -> int:
        return sum(finding.level == level for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        return {
            "refusals": self.count("refusal"),
            "warnings": self.count("warning"),
            "items": [asdict(finding) for finding in self.findings],
            "not_seen": self.not_seen,
        }


class Doctor:
    """One examination, of files and of what runs."""

    def __init__(
        self,
        components: Sequence[Path],
        client: Client,
        etcd_url: str,
        kafka: str,
        names: BrokerNames,
    ) -> None:
        """`kafka` says where Kafka is, if it is the broker."""
        self._names = names
        self._components = components
        self._kafka = kafka
        self._client = client
        self._etcd_url = etcd_url
        self._found = Diagnosis()
        self._times = DEFAULTS
        self._channels: set[str] = set()
        self._others: dict[str, str] = {}
        """Topics on brokers that are not Redis, with the broker's type."""

    def examine(self, redis: Callable[[], Any] | None) -> Diagnosis:
        """`redis` opens a client of Redis; None where nothing is in it."""
        self._running()
        self._files()
        if redis is None:
            self._streams({})
        else:
            with self._seeing(), redis() as client:
                self._broker(client)
        if KAFKA in self._others.values():
            with self._seeing():
                self._topics()
        self._found.findings.sort(key=lambda finding: finding.level)
        return self._found

    def _running(self) -> None:
        digests: dict[str, str] = {}
        for url, orchestrator in self._client.each_orchestrator():
            with self._seeing():
                told = orchestrator.send(calls.doctor())
                self._times = told.settings
                known = self._found.findings
                self._add(one for one in told.items if one not in known)  # most find the same
                served = orchestrator.send(calls.routes())
                digests[url] = served.digest
                self._channels |= {one.channel for one in served.items if one.channel}
        self._add(routes.alike(digests))
        versions: dict[str, str] = {}
        hearing: tuple[Service, ...] = ("orchestrator", "notifier")
        for app in hearing:
            with self._seeing():
                metadata = self._client.send(calls.sidecar(app))
                versions[app] = str(metadata.get("runtimeVersion"))
                self._others |= other_brokers(metadata)
                if app == "notifier":
                    self._add(notifier(metadata))
        self._add(alike(versions))
        self._add(etcd(self._client.etcd_takes_json(self._etcd_url)))

    def _files(self) -> None:
        if not self._components[0].is_dir():
            self._found.not_seen.append(f"there are no component files in {self._components[0]}")
            return
        resources, broken = read(*self._components)
        self._add(iter(broken))
        self._add(brokers(resources, self._times.call_timeout_seconds))
        routed = {channel.rpartition("/")[0] for channel in self._channels} - {""}
        for one in of_type(resources, "pubsub."):
            if one.name == PUBSUB and one.spec.get("type") != REDIS:
                self._others |= dict.fromkeys(Topic, str(one.spec.get("type")))
        self._add(resiliency(resources, routed))
        self._add(scopes(resources, self._channels))
        self._add(outages(resources))
        self._add(stores(resources))
        self._add(retention(resources, self._times.ledger_days))

    def _broker(self, redis: Redis) -> None:
        with self._permitted("how it is configured"):
            config: Any = {}
            for name in ("appendonly", "appendfsync", "maxmemory", "maxmemory-policy"):
                config |= redis.config_get(name)
            self._add(redis_config(config))
        now: Any = redis.time()
        days = self._times.stream_days, self._times.ledger_days
        found = _streams(redis, self._names, [one for one in Topic if one not in self._others])
        self._add(streams(found, int(now[0]) * 1000, *days))
        with self._permitted("streams that nobody reads"):
            self._add(unread(_unread(redis, self._names)))
        self._streams(found)

    def _streams(self, found: Container[Topic]) -> None:
        """Name the streams that were not found."""
        self._found.not_seen += [
            f"the stream {topic}: {self._unseen(topic)}"
            for topic in Topic
            if topic not in found and self._others.get(topic) != KAFKA
        ]

    def _topics(self) -> None:
        if not self._kafka:
            raise CommandError(
                "Kafka's topics were not read: USHER_KAFKA_BROKERS says where it is."
            )
        try:
            from usher.audit.kafka_records import open_kafka
            from usher.doctor.kafka_reading import KafkaCheckup, Window
        except ModuleNotFoundError as missing:
            raise CommandError(
                "Kafka's topics were not read: `pip install 'usher-dapr[kafka]'`."
            ) from missing
        topics = sorted(topic for topic, kind in self._others.items() if kind == KAFKA)
        days = self._times.stream_days, self._times.ledger_days
        with open_kafka(self._kafka, self._names) as records:
            checkup = KafkaCheckup(records)
            self._found.not_seen += checkup.unseen(topics)
            self._add(checkup.findings(topics, Window(int(time() * 1000), *days)))

    def _unseen(self, topic: Topic) -> str:
        if kind := self._others.get(topic):
            return f"it is on {kind}: nobody checked who reads it"
        return "Redis has none of this name: nobody has subscribed to it, or it is another Redis"

    def _add(self, findings: Iterator[Finding]) -> None:
        self._found.findings += findings

    @contextmanager
    def _permitted(self, what: str) -> Iterator[None]:
        """Name what Redis does not let this user see, as a managed one may not."""
        try:
            yield
        except ResponseError as error:
            self._found.not_seen.append(f"Redis, {what}: {error}")

    @contextmanager
    def _seeing(self) -> Iterator[None]:
        try:
            yield
        except Unreachable as error:
            if error.title not in self._found.not_seen:  # as several calls fail alike
                self._found.not_seen.append(error.title)
        except CommandError as error:
            self._found.not_seen.append(f"{error.title} {error.detail or ''}".strip())


def _streams(redis: Redis, names: BrokerNames, topics: Iterable[Topic]) -> dict[Topic, Stream]:
    found: dict[Topic, Stream] = {}
    apps = {names.group(app): app for app in READ_BY.values()}
    for topic in topics:
        stream = names.topic(topic)
        if not redis.exists(stream):
            continue
        info: Any = redis.xinfo_stream(stream)
        reached = {}
        groups: Any = redis.xinfo_groups(stream)
        for group in groups:
            pending: Any = redis.xpending(stream, group["name"])
            at = pending["min"] or group["last-delivered-id"]
            name = _text(group["name"])
            reached[apps.get(name, name)] = _milliseconds(at)
        first = info["first-entry"]
        found[topic] = Stream(info["length"], _milliseconds(first[0]) if first else 0, reached)
    return found


def _unread(redis: Redis, names: BrokerNames) -> Iterator[str]:
    """Yield the names of streams of others that have no consumer group."""
    own = [names.topic(topic) for topic in Topic]
    for key in redis.scan_iter(count=1000, _type="stream"):
        name = _text(key)
        if name not in own and not name.startswith(OWN_KEYS) and not redis.xinfo_groups(name):
            yield name


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _milliseconds(entry: bytes | str) -> int:
    return int(_text(entry).partition("-")[0])
