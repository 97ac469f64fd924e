"""What the audit cannot read is named, and a stream of that name in Redis is left alone."""

from typing import Any, cast

from redis import Redis

from contracts.topics import Topic
from usher.audit.streams import Streams
from usher.audit.unseen import NO_STREAM, not_seen


class Leftovers:
    """A Redis with one stream, of the time before the broker was another."""

    def exists(self, topic: str) -> int:
        return int(topic == Topic.REQUESTS)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name}: nothing else may be asked")


def test_what_is_not_there_and_what_is_elsewhere_is_named() -> None:
    streams = Streams(cast(Redis, Leftovers()))
    assert not_seen(list(Topic)[:2], streams) == {Topic.EVENTS: NO_STREAM}
    others: dict[str, str] = dict.fromkeys(Topic, "pubsub.kafka")
    named = not_seen([Topic.REQUESTS, "orders"], Streams(cast(Redis, Leftovers()), others))
    assert "pubsub.kafka" in named[Topic.REQUESTS]
    assert named["orders"] == NO_STREAM


def test_leftovers_of_a_topic_that_is_elsewhere_are_not_read() -> None:
    streams = Streams(cast(Redis, Leftovers()), {Topic.REQUESTS: "pubsub.kafka"})
    assert streams.progress(Topic.REQUESTS, "orchestrator").delivered is None
    assert list(streams.pages(Topic.REQUESTS, (9, 9))) == []
    assert streams.vanished(Topic.REQUESTS) is None
