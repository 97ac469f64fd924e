"""Kafka's topics keep events for an absence, within the ledger's window, and take any of them."""

import pytest

from contracts.topics import Topic
from tests.support.stack import ROOT
from usher.doctor.kafka_topics import (
    DAY_MS,
    HOUR_MS,
    ROOM_BYTES,
    Reading,
    Settings,
    reading,
    settings,
)

NOW = 100 * DAY_MS
PLACES = 7 * DAY_MS


@pytest.mark.parametrize(
    ("has", "level", "said"),
    [
        (Settings(7 * DAY_MS), None, ""),
        (Settings(29 * DAY_MS), "warning", "keeps events 29 days: after an absence"),
        (Settings(-1), "warning", "kept for ever"),
        (Settings(30 * DAY_MS), "warning", "30 days, and the ledger knows"),
        (Settings(6 * DAY_MS), "warning", "6 days: then Kafka deletes events"),
        (Settings(36 * HOUR_MS), "warning", "36 hours"),
        (Settings(cleanup="compact"), "refusal", "only the last is kept"),
        (Settings(cleanup="compact,delete"), "refusal", "only the last is kept"),
        (Settings(max_bytes=1_048_588), "warning", "larger events are refused"),
    ],
)
def test_a_topic_keeps_events_and_takes_them(has: Settings, level: str | None, said: str) -> None:
    found = list(settings(Topic.REQUESTS, has, PLACES, 7, 30))
    assert {one.level for one in found} == ({level} if level else set())
    assert any(said in one.wrong for one in found) is bool(said)


def test_only_the_events_of_an_instance_need_one_partition_or_a_key() -> None:
    many = Settings(partitions=12)
    assert list(settings(Topic.REQUESTS, many, PLACES, 7, 30)) == []
    (found,) = settings(Topic.EVENTS, many, PLACES, 7, 30)
    assert (found.level, found.breaks, "12 partitions" in found.wrong) == ("warning", "P3", True)


def test_kafka_knows_the_place_of_a_group_as_long_as_it_keeps_events() -> None:
    assert list(settings(Topic.EVENTS, Settings(), PLACES, 7, 30)) == []
    (found,) = settings(Topic.EVENTS, Settings(), DAY_MS, 7, 30)
    assert found.where == "Kafka: offsets.retention.minutes"
    assert "24 hours, and workflow-events keeps events 7 days" in found.wrong
    assert found.right == "at least the retention: 10080"


@pytest.mark.parametrize(
    ("found", "level", "said"),
    [
        (Reading("g"), None, ""),
        (Reading("g", known=False), "refusal", "the consumer group 'g' does not read it"),
        (Reading("g", deleted=3), "refusal", "deleted 3 events before g had read them"),
        (Reading("g", oldest_ms=NOW - 3 * DAY_MS), None, ""),
        (Reading("g", oldest_ms=NOW - 4 * DAY_MS), "warning", "deletes after 7 days"),
        (Reading("g", oldest_ms=NOW - 31 * DAY_MS), "refusal", "31 days ago, the ledger knows 30"),
    ],
)
def test_its_group_reads_it_in_time(found: Reading, level: str | None, said: str) -> None:
    named = list(reading("orders", found, 7 * DAY_MS, NOW, 30))
    assert [one.level for one in named] == ([level] if level else [])
    assert all(said in one.wrong and one.where == "the topic orders" for one in named)


def test_a_topic_that_keeps_events_for_ever_deletes_none() -> None:
    assert list(reading("orders", Reading("g", oldest_ms=NOW - 9 * DAY_MS), -1, NOW, 30)) == []


def test_the_room_is_that_of_the_component_files() -> None:
    files = list((ROOT / "component-sets" / "kafka").glob("pubsub*.yaml"))
    assert files
    assert [file.name for file in files if f'"{ROOM_BYTES}"' not in file.read_text()] == []
