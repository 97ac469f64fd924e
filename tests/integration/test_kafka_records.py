"""The audit's reader of Kafka, on topics and groups that no service has."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from contracts.brokers import BrokerNames
from tests.support.driver import Driver, eventually, fresh
from usher.audit.kafka_records import KafkaRecords, open_kafka
from usher.audit.topic_reader import EntryId
from usher.stack.kafka import address

pytestmark = [
    pytest.mark.parametrize("usher", ["on_kafka_postgres"], indirect=True),
    pytest.mark.xdist_group("shapes"),
]
GROUP = "group"


class Place:
    """A topic of two partitions, and a group that reads it."""

    def __init__(self, where: str) -> None:
        self.names = BrokerNames(f"{fresh('x')}-")
        self.topic = self.names.topic("t")
        self._where: dict[str, str | int | float | bool] = {"bootstrap.servers": where}
        self.admin = AdminClient(self._where)
        self.admin.create_topics([NewTopic(self.topic, 2, 1)])[self.topic].result(20)
        eventually(lambda: self.topic in self.admin.list_topics(timeout=20).topics, bool)

    def add(self, partition: int, *values: bytes) -> None:
        producer = Producer(self._where)
        for value in values:
            producer.produce(self.topic, value, partition=partition)
        assert producer.flush(20) == 0

    def add_aborted(self, partition: int) -> None:
        """Add a record and the mark of its transaction."""
        producer = Producer({**self._where, "transactional.id": fresh("t")})
        producer.init_transactions(60)
        producer.begin_transaction()
        producer.produce(self.topic, b"aborted", partition=partition)
        producer.flush(20)
        producer.abort_transaction(20)

    def commit(self, partition: int, offset: int) -> None:
        consumer = Consumer({**self._where, "group.id": self.names.group(GROUP)})
        place = TopicPartition(self.topic, partition, offset)
        consumer.commit(offsets=[place], asynchronous=False)
        consumer.close()

    def delete_before(self, partition: int, offset: int) -> None:
        place = TopicPartition(self.topic, partition, offset)
        self.admin.delete_records([place])[place].result(20)


@pytest.fixture
def place(usher: Driver) -> Place:
    return Place(address(usher.settings))


@pytest.fixture
def records(usher: Driver, place: Place) -> Iterator[KafkaRecords]:
    with open_kafka(address(usher.settings), place.names) as records:
        yield records


def held(records: KafkaRecords) -> list[tuple[str, bytes, bool]]:
    """Return the name and the data of each record, and whether the group has acknowledged it."""
    upto = records.progress("t", GROUP)
    return [
        (entry.id.name, entry.data, upto.acknowledged(entry.id))
        for page in records.pages("t", upto)
        for entry in page
    ]


def test_a_record_is_acknowledged_if_it_is_before_the_commit(
    place: Place, records: KafkaRecords
) -> None:
    assert held(records) == []
    place.add(0, b"a", b"b", b"c")
    place.add(1, b"d")
    assert {acknowledged for _, _, acknowledged in held(records)} == {False}
    place.commit(0, 2)
    by_name = sorted(held(records))
    assert by_name == [
        ("0-0", b"a", True),
        ("0-1", b"b", True),
        ("0-2", b"c", False),
        ("1-0", b"d", False),
    ]
    assert records.vanished("t", GROUP) == []


def test_pages_end_where_they_began_and_a_gap_is_no_loss(
    place: Place, records: KafkaRecords
) -> None:
    place.add(0, b"a")
    place.add_aborted(0)  # takes the offsets 1 and 2
    upto = records.progress("t", GROUP)
    place.add(0, b"late")
    # As a sidecar does, it reads what was aborted too.
    assert [e.data for page in records.pages("t", upto) for e in page] == [b"a", b"aborted"]
    place.commit(0, 4)
    assert records.vanished("t", GROUP) == []
    ids = [EntryId(0, number, 0) for number in (0, 2, 3)]
    assert [entry.data for entry in records.again("t", ids)] == [b"a", b"late"]


def test_what_was_deleted_unread_is_counted_in_each_partition(
    place: Place, records: KafkaRecords
) -> None:
    place.add(0, b"a", b"b", b"c")
    place.add(1, b"d", b"e")
    place.commit(0, 2)
    place.delete_before(0, 2)
    assert records.vanished("t", GROUP) == []  # the group had read them
    place.delete_before(0, 3)
    place.delete_before(1, 1)  # of which the group has no commit
    ((number, how),) = records.vanished("t", GROUP) or []
    assert (number, "before group had read them" in how) == (2, True)
    assert [name for name, _, _ in held(records)] == ["1-1"]
    assert records.again("t", [EntryId(0, 0, 0)]) == []
