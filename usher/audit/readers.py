"""Chooses how the audit reads each topic, by the broker that carries it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from redis import Redis

from contracts.brokers import KAFKA, REDIS, BrokerNames
from usher.audit.redis_streams import RedisStreams
from usher.audit.topic_reader import TopicReader, Unread

NO_ADDRESS = "it is on Kafka, and USHER_KAFKA_BROKERS does not say where that is"
NO_PACKAGE = "it is on Kafka, which the audit reads with `pip install 'usher-dapr[kafka]'`"

ReaderOf = Callable[[str], TopicReader]
"""Returns the reader of a topic."""


@contextmanager
def readers(
    redis: Redis, elsewhere: Mapping[str, str], kafka: str, names: BrokerNames
) -> Iterator[ReaderOf]:
    """Yield the reader of each topic. `elsewhere` has the type of each broker that is not Redis."""
    with ExitStack() as opened:
        by_kind: dict[str, TopicReader] = {REDIS: RedisStreams(redis, names)}
        if KAFKA in elsewhere.values():
            by_kind[KAFKA] = _kafka(opened, kafka, names)

        def reader_of(topic: str) -> TopicReader:
            # A stream of that name in Redis, if there is one, is left over from another time.
            kind = elsewhere.get(topic, REDIS)
            why = f"it is on {kind}, and the audit reads Redis and Kafka only"
            return by_kind.get(kind) or Unread(why)

        yield reader_of


def _kafka(opened: ExitStack, brokers: str, names: BrokerNames) -> TopicReader:
    if not brokers:
        return Unread(NO_ADDRESS)
    try:
        from usher.audit.kafka_records import open_kafka
    except ModuleNotFoundError:
        return Unread(NO_PACKAGE)
    return opened.enter_context(open_kafka(brokers, names))
