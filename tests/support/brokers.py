"""What tests do at the broker, past Dapr: one driver for each broker."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from redis import Redis

from contracts.brokers import BrokerNames
from usher.stack.kafka import address
from usher.stack.settings import StackSettings


class Broker(Protocol):
    """Topics, and the consumer groups that read them."""

    def pending(self, topic: str, group: str) -> int:
        """Count what the group has not acknowledged, delivered or not."""

    def append(self, topic: str, entry: bytes, headers: Mapping[str, bytes] | None = None) -> str:
        """Add an entry as it is, and return its name. Only Kafka has headers."""

    def holding(self, topic: str, group: str) -> AbstractContextManager["Held"]:
        """Give a place of the topic where the group's app gets nothing meanwhile."""


class Held(Protocol):
    """Entries that a member of the group has, which is not its app."""

    def append(self, entry: bytes) -> str: ...

    def acknowledge(self, name: str) -> None: ...


class RedisBroker:
    """A stream for each topic, with a group for each app."""

    def __init__(self, client: Redis, names: BrokerNames) -> None:
        """The client must decode."""
        self._client = client
        self._names = names

    def pending(self, topic: str, group: str) -> int:
        """Count not by the group's `lag`: Redis 7.0 counts what was read for it from an older
        snapshot after a restart, and tells a lag that is not there."""
        stream = self._names.topic(topic)
        groups: Any = self._client.xinfo_groups(stream)
        found = next(one for one in groups if one["name"] == self._names.group(group))
        left: Any = self._client.xrange(stream, f"({found['last-delivered-id']}")
        return int(found["pending"]) + len(left)

    def append(self, topic: str, entry: bytes, headers: Mapping[str, bytes] | None = None) -> str:
        assert not headers
        return str(self._client.xadd(self._names.topic(topic), {"data": entry}))

    @contextmanager
    def holding(self, topic: str, group: str) -> Iterator[Held]:
        yield HeldOfStream(self._client, self._names.topic(topic), self._names.group(group))


@dataclass
class HeldOfStream:
    """Entries that were given out as they were added, so that nobody else gets them."""

    client: Redis
    topic: str
    group: str

    def append(self, entry: bytes) -> str:
        with self.client.pipeline(transaction=True) as at_once:
            at_once.xadd(self.topic, {"data": entry})
            at_once.xreadgroup(self.group, self.group, {self.topic: ">"})
            name, _ = at_once.execute()
        return str(name)

    def acknowledge(self, name: str) -> None:
        assert self.client.xack(self.topic, self.group, name) == 1


class KafkaBroker:
    """Partitions of each topic, with an offset for each that a group has committed."""

    def __init__(self, settings: StackSettings) -> None:
        self._where = address(settings)
        self._names = settings.names

    def pending(self, topic: str, group: str) -> int:
        topic, group = self._names.topic(topic), self._names.group(group)
        consumer = Consumer({"bootstrap.servers": self._where, "group.id": group})
        try:
            known = consumer.list_topics(topic, 20).topics[topic].partitions
            partitions = [TopicPartition(topic, number) for number in known]
            left = 0
            for one in consumer.committed(partitions, 20):
                first, last = consumer.get_watermark_offsets(one, 20)
                left += last - max(one.offset, first)  # a negative offset: nothing is committed
        finally:
            consumer.close()
        return left

    def append(self, topic: str, entry: bytes, headers: Mapping[str, bytes] | None = None) -> str:
        return _produce(self._where, self._names.topic(topic), entry, headers=dict(headers or {}))

    @contextmanager
    def holding(self, topic: str, group: str) -> Iterator["HeldOfPartition"]:
        """Join the group, and so take a partition over; its app has the others."""
        topic, group = self._names.topic(topic), self._names.group(group)
        own = {"enable.auto.commit": False, "auto.offset.reset": "error"}
        consumer = Consumer({"bootstrap.servers": self._where, "group.id": group, **own})
        given: list[TopicPartition] = []
        consumer.subscribe([topic], on_assign=lambda _, found: given.extend(found))
        try:
            deadline = time.monotonic() + 30
            while not given and time.monotonic() < deadline:
                consumer.poll(0.1)
            assert given, f"no partition of {topic} within 30 s"
            yield HeldOfPartition(self._where, topic, given[0].partition, consumer)
        finally:
            consumer.close()


@dataclass
class HeldOfPartition:
    """The records of a partition that the group's app does not get."""

    where: str
    topic: str
    partition: int
    consumer: Consumer

    def append(self, entry: bytes) -> str:
        return _produce(self.where, self.topic, entry, partition=self.partition)

    def acknowledge(self, name: str) -> None:
        offset = int(name.partition("-")[2]) + 1
        place = TopicPartition(self.topic, self.partition, offset)
        self.consumer.commit(offsets=[place], asynchronous=False)

    def delete(self, name: str) -> None:
        """Delete the records of the partition up to this one."""
        offset = int(name.partition("-")[2]) + 1
        place = TopicPartition(self.topic, self.partition, offset)
        admin = AdminClient({"bootstrap.servers": self.where})
        admin.delete_records([place])[place].result(20)


def _produce(where: str, topic: str, entry: bytes, **more: Any) -> str:
    """Add a record, and return its place."""
    producer = Producer({"bootstrap.servers": where, "message.max.bytes": 100_000_000})
    told: list[Any] = []
    producer.produce(topic, entry, on_delivery=lambda *found: told.append(found), **more)
    producer.flush(20)
    ((error, record),) = told
    assert error is None, error
    return f"{record.partition()}-{record.offset()}"
