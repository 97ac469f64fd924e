"""How the audit reads each topic. What it cannot read is named, and never taken for empty."""

from typing import Any, cast

import pytest
from redis import Redis

from contracts.brokers import KAFKA, BrokerNames
from contracts.topics import Topic
from usher.audit.readers import NO_ADDRESS, ReaderOf, readers
from usher.audit.redis_streams import NO_STREAM
from usher.audit.topic_reader import EntryId, Progress
from usher.errors import Unreachable


class Leftovers:
    """A Redis with one stream, of the time before the broker was another."""

    def exists(self, topic: str) -> int:
        return int(topic == Topic.REQUESTS)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name}: nothing else may be asked")


def opened(elsewhere: dict[str, str], kafka: str = "") -> Any:
    return readers(cast(Redis, Leftovers()), elsewhere, kafka, BrokerNames())


def why(reader_of: ReaderOf, topic: str) -> str | None:
    return reader_of(topic).unseen(topic)


def test_what_is_not_there_and_what_is_elsewhere_is_named() -> None:
    with opened({}) as reader_of:
        assert why(reader_of, Topic.REQUESTS) is None
        assert why(reader_of, Topic.EVENTS) == NO_STREAM
    with opened({Topic.REQUESTS: KAFKA, "orders": "pubsub.mqtt3"}) as reader_of:
        assert why(reader_of, Topic.REQUESTS) == NO_ADDRESS
        assert "pubsub.mqtt3" in (why(reader_of, "orders") or "")
        assert why(reader_of, Topic.EVENTS) == NO_STREAM


def test_leftovers_of_a_topic_that_is_elsewhere_are_not_read() -> None:
    with opened({Topic.REQUESTS: "pubsub.mqtt3"}) as reader_of:
        reader = reader_of(Topic.REQUESTS)
        progress = reader.progress(Topic.REQUESTS, "orchestrator")
        assert not progress.delivered
        assert list(reader.pages(Topic.REQUESTS, progress)) == []
        assert reader.vanished(Topic.REQUESTS, "orchestrator") is None


def test_a_kafka_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usher.audit.kafka_records.SECONDS", 1)
    away = r"Kafka at 127\.0\.0\.1:9 does not answer"
    with pytest.raises(Unreachable, match=away), opened({Topic.REQUESTS: KAFKA}, "127.0.0.1:9"):
        pass


def test_what_is_acknowledged_is_so_in_its_partition() -> None:
    read = Progress(delivered={0: EntryId(0, 4, 0)}, pending=frozenset([EntryId(9, 2, 0)]))
    for entry, acknowledged in (
        (EntryId(9, 4, 0), True),
        (EntryId(1, 5, 0), False),
        (EntryId(9, 2, 0), False),
        (EntryId(9, 0, 1), False),
    ):
        assert read.acknowledged(entry) is acknowledged
    assert (EntryId(9, 5, 2).name, EntryId(9, 5).name) == ("2-5", "9-5")
    stream = Progress(delivered={-1: EntryId(7, 3)})
    assert [stream.acknowledged(EntryId(7, n)) for n in (3, 4)] == [True, False]
    assert not stream.acknowledged(EntryId(8, 0))
