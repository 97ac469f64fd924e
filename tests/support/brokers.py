"""What tests do at the broker, past Dapr: one driver for each broker."""

from collections.abc import Mapping
from typing import Any, Protocol

from confluent_kafka import Consumer, Producer, TopicPartition
from redis import Redis

from usher.stack.kafka import address
from usher.stack.settings import StackSettings


class Broker(Protocol):
    """Topics, and the consumer groups that read them."""

    def pending(self, topic: str, group: str) -> int:
        """Count what the group has not acknowledged, delivered or not."""

    def append(self, topic: str, entry: bytes, headers: Mapping[str, bytes] | None = None) -> None:
        """Add an entry as it is. Only Kafka has headers."""


class RedisBroker:
    """A stream for each topic, with a group for each app."""

    def __init__(self, client: Redis) -> None:
        """The client must decode."""
        self._client = client

    def pending(self, topic: str, group: str) -> int:
        """Count not by the group's `lag`: Redis 7.0 counts what was read for it from an older
        snapshot after a restart, and tells a lag that is not there."""
        groups: Any = self._client.xinfo_groups(topic)
        found = next(one for one in groups if one["name"] == group)
        left: Any = self._client.xrange(topic, f"({found['last-delivered-id']}")
        return int(found["pending"]) + len(left)

    def append(self, topic: str, entry: bytes, headers: Mapping[str, bytes] | None = None) -> None:
        assert not headers
        self._client.xadd(topic, {"data": entry})


class KafkaBroker:
    """Partitions of each topic, with an offset for each that a group has committed."""

    def __init__(self, settings: StackSettings) -> None:
        self._where = address(settings)

    def pending(self, topic: str, group: str) -> int:
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

    def append(self, topic: str, entry: bytes, headers: Mapping[str, bytes] | None = None) -> None:
        producer = Producer({"bootstrap.servers": self._where, "message.max.bytes": 100_000_000})
        failed: list[Any] = []
        producer.produce(
            topic, entry, headers=dict(headers or {}), on_delivery=lambda e, _: failed.append(e)
        )
        producer.flush(20)
        assert failed == [None], failed
