"""Reads topics from Kafka. A group has acknowledged what is before the offset that it committed.

Offsets of a partition may have gaps, as of transactions, so nothing is concluded from one.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from time import time
from typing import Any

from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from contracts.brokers import BrokerNames
from contracts.native import entry_of_record
from usher.audit.topic_reader import PAGE, EntryId, Gone, Progress, StreamEntry
from usher.errors import Unreachable

NO_TOPIC = (
    "Kafka has no topic of this name: nobody has published or subscribed, or it is another Kafka"
)
SECONDS = 20
_PAGE_BYTES = 16 * 1024 * 1024
_AHEAD_KBYTES = 16 * 1024
"""How much the client fetches ahead."""
_FIRST, _END = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]

Config = dict[str, str | int | float | bool]


@contextmanager
def open_kafka(brokers: str, names: BrokerNames) -> Iterator["KafkaRecords"]:
    """Yield a reader. Raises `Unreachable` if Kafka does not answer."""
    where: Config = {"bootstrap.servers": brokers, "log_level": 0}
    own: Config = {
        "group.id": "usher-audit",  # the client wants a name; it joins no group, commits nothing
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "isolation.level": "read_uncommitted",  # as daprd reads
        "fetch.wait.max.ms": 20,
        "queued.max.messages.kbytes": _AHEAD_KBYTES,
    }
    consumer = Consumer({**where, **own})
    try:
        yield KafkaRecords(AdminClient(where), consumer, names)
    except KafkaException as error:
        raise Unreachable(f"Kafka at {brokers} does not answer.", str(error.args[0])) from error
    finally:
        consumer.close()


class KafkaRecords:
    """A `TopicReader`. Raises `KafkaException`."""

    def __init__(self, admin: AdminClient, consumer: Consumer, names: BrokerNames) -> None:
        self.admin = admin
        self.names = names
        self._consumer = consumer
        known = admin.list_topics(timeout=SECONDS).topics  # of one topic, it might create it
        self._partitions = {name: sorted(one.partitions) for name, one in known.items()}

    def partitions(self, topic: str) -> list[int]:
        """Return the partitions of a topic; none if there is no such topic."""
        return self._partitions.get(self.names.topic(topic), [])

    def unseen(self, topic: str) -> str | None:
        return None if self.partitions(topic) else NO_TOPIC

    def progress(self, topic: str, group: str) -> Progress:
        committed = self._committed(topic, group)  # first: it may only be overtaken
        first = self._offsets(topic, _FIRST)
        ends = self._offsets(topic, _END)
        last = {one: EntryId(0, end - 1, one) for one, end in ends.items() if end > first[one]}
        return Progress(last, {one: EntryId(0, to - 1, one) for one, to in committed.items()})

    def pages(self, topic: str, upto: Progress) -> Iterator[list[StreamEntry]]:
        for last in upto.last.values():
            yield from self.read(topic, last.partition, 0, last.number)

    def again(self, topic: str, ids: Iterable[EntryId]) -> list[StreamEntry]:
        wanted = sorted((one.partition, one.number) for one in ids)
        found: list[StreamEntry] = []
        for partition, places in groupby(wanted, lambda place: place[0]):
            for run in _runs([number for _, number in places]):
                of_run = set(run)
                for page in self.read(topic, partition, run[0], run[-1]):
                    found += [one for one in page if one.id.number in of_run]
        return found

    def vanished(self, topic: str, group: str) -> list[Gone] | None:
        """Return the records that Kafka deleted before the group had read them.

        That shows until the group commits again: it goes on with the first record that is left.
        Records that the group has read may go.
        """
        deleted = self.deleted_unread(topic, group)
        how = f"records were deleted before {group} had read them: raise retention.ms"
        return [Gone(deleted, how)] if deleted else []

    def deleted_unread(self, topic: str, group: str) -> int:
        """Count the records that were deleted and that the group had not acknowledged."""
        first = self._offsets(topic, _FIRST)  # before the commit, which may overtake it
        committed = self._committed(topic, group)
        return sum(max(at - committed.get(one, 0), 0) for one, at in first.items())

    def _places(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(self.names.topic(topic), one) for one in self.partitions(topic)]

    def _offsets(self, topic: str, spec: OffsetSpec) -> dict[int, int]:
        asked = dict.fromkeys(self._places(topic), spec)
        answers = self.admin.list_offsets(asked, request_timeout=SECONDS) if asked else {}
        return {one.partition: answer.result().offset for one, answer in answers.items()}

    def _committed(self, topic: str, group: str) -> dict[int, int]:
        """Return the committed offset of each partition that has one."""
        every = self._places(topic)
        if not every:
            return {}
        asked = [ConsumerGroupTopicPartitions(self.names.group(group), every)]
        (answer,) = self.admin.list_consumer_group_offsets(asked, request_timeout=SECONDS).values()
        found: Sequence[TopicPartition] = answer.result().topic_partitions
        return {one.partition: one.offset for one in found if one.offset >= 0}

    def read(
        self, topic: str, partition: int, first: int, last: int
    ) -> Iterator[list[StreamEntry]]:
        """Yield the records from the offset `first` to `last`, those that there are."""
        self._consumer.assign([TopicPartition(self.names.topic(topic), partition, first)])
        page: list[StreamEntry] = []
        held, at = 0, -1
        while at < last:
            message = self._consumer.poll(SECONDS)
            error = KafkaError(KafkaError._TIMED_OUT) if message is None else message.error()
            if error and error.code() == KafkaError._PARTITION_EOF:
                break
            if message is None or error:
                raise KafkaException(error)
            at = message.offset() or 0
            if at <= last:
                page.append(_entry(topic, partition, at, message))
                held += len(page[-1].data)
            if len(page) == PAGE or held > _PAGE_BYTES:
                yield page
                page, held = [], 0
        if page:
            yield page


def _runs(numbers: Sequence[int]) -> Iterator[list[int]]:
    """Split sorted offsets where it is cheaper to begin anew than to read what is between."""
    run: list[int] = []
    for number in numbers:
        if run and number - run[-1] > PAGE:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _entry(topic: str, partition: int, offset: int, message: Message) -> StreamEntry:
    kind, ms = message.timestamp()
    if kind == TIMESTAMP_NOT_AVAILABLE:
        ms = int(time() * 1000)
    headers: Any = message.headers() or ()
    body: Any = message.value() or b""
    data = entry_of_record(body, topic, partition, offset, headers)
    return StreamEntry(topic, EntryId(ms, offset, partition), data)
