"""Reads from Kafka what the doctor checks: settings of topics, and how far groups have come."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from contracts.finding import Finding
from contracts.topics import READ_BY, Topic
from usher.audit.kafka_records import SECONDS, KafkaRecords
from usher.doctor.kafka_topics import Reading, Settings, reading, settings

Config = Mapping[str, ConfigEntry]
_TOPIC, _BROKER = ResourceType.TOPIC, ResourceType.BROKER


@dataclass(frozen=True)
class Window:
    """The times that topics are held against."""

    now_ms: int
    stream_days: float
    ledger_days: float


class KafkaCheckup:
    """One look at the topics of one Kafka. Raises `KafkaException`."""

    def __init__(self, records: KafkaRecords) -> None:
        self._admin = records.admin
        self._records = records
        self._names = records.names

    def unseen(self, topics: Iterable[str]) -> list[str]:
        """Return why each of the topics cannot be looked at."""
        whys = {topic: self._records.unseen(topic) for topic in topics}
        return [f"the topic {topic}: {why}" for topic, why in whys.items() if why]

    def findings(self, topics: Iterable[str], window: Window) -> Iterator[Finding]:
        """Check topics of Usher's and of routes, those that there are."""
        there = [topic for topic in topics if not self._records.unseen(topic)]
        configs = self._configs(_TOPIC, map(self._names.topic, there))
        brokers = self._configs(_BROKER, map(str, self._admin.list_topics(timeout=SECONDS).brokers))
        minutes = min(_number(one, "offsets.retention.minutes") for one in brokers.values())
        for topic in there:
            config = configs[self._names.topic(topic)]
            has = Settings(
                _number(config, "retention.ms"),
                str(config["cleanup.policy"].value),
                _number(config, "max.message.bytes"),
                len(self._records.partitions(topic)),
            )
            if topic in [*Topic]:
                days = window.stream_days, window.ledger_days
                yield from settings(Topic(topic), has, minutes * 60_000, *days)
            found, kept = self._reading(topic), has.retention_ms
            yield from reading(topic, found, kept, window.now_ms, window.ledger_days)

    def _reading(self, topic: str) -> Reading:
        group = {str(one): app for one, app in READ_BY.items()}.get(topic, READ_BY[Topic.REQUESTS])
        progress, oldest = self._records.progress(topic, group), []
        for last in progress.last.values():
            if not progress.acknowledged(last):
                given = progress.delivered.get(last.partition)
                first = given.number + 1 if given else 0
                page = next(self._records.read(topic, last.partition, first, last.number), [])
                oldest += [entry.id.ms for entry in page[:1]]
        deleted = self._records.deleted_unread(topic, group)
        known = bool(progress.delivered) or topic in self._topics_of(group)
        return Reading(group, known, deleted, min(oldest, default=None))

    def _topics_of(self, group: str) -> set[str]:
        """Return the topics that members of the group read now."""
        asked = [self._names.group(group)]
        (answer,) = self._admin.describe_consumer_groups(asked, request_timeout=SECONDS).values()
        places = [one for m in answer.result().members for one in m.assignment.topic_partitions]
        return {one.topic.removeprefix(self._names.prefix) for one in places}

    def _configs(self, kind: ResourceType, names: Iterable[str]) -> dict[str, Config]:
        asked = [ConfigResource(kind, str(name)) for name in names]
        answers = self._admin.describe_configs(asked, request_timeout=SECONDS) if asked else {}
        return {one.name: answer.result(SECONDS) for one, answer in answers.items()}


def _number(config: Config, name: str) -> int:
    return int(config[name].value or -1)
