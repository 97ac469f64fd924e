"""The ids of dead letters, and what the audit knows an entry by: the same event is one letter."""

import base64

import pytest

from contracts import redrive
from contracts.cloudevent import CloudEvent
from contracts.entry import read_entry
from contracts.letters import letter_id
from contracts.limits import KEPT_OF_LARGER, MAX_DATA_BYTES, MAX_KEPT_BYTES
from contracts.topics import Topic
from tests.support.answers import dead_letter
from usher.audit.sources import CommandSource, Item
from usher.audit.topic_reader import EntryId, StreamEntry

TOPIC = Topic.REQUESTS


def item(entry: bytes) -> Item:
    """Return what the audit reads of an entry."""
    (found,) = CommandSource(TOPIC).items(StreamEntry(TOPIC, EntryId(1, 0), entry))
    assert found
    return found


def test_an_event_is_known_by_source_and_id_whatever_it_holds() -> None:
    one = CloudEvent("e-1", "/shop", "t", b"1")
    assert letter_id(TOPIC, one) == letter_id(TOPIC, CloudEvent("e-1", "/shop", "u", b"2"))
    assert letter_id(TOPIC, one) != letter_id("workflow-events", one)


@pytest.mark.parametrize(
    "other",
    [
        CloudEvent("", "/shop", "t", b"", attributes={"a": 2}),
        CloudEvent("", "/shop", "t", b"", attributes={"a": True}),
        CloudEvent("", "/shop", "t", b"", attributes={"a": 1, "b": None}),
        CloudEvent("", "/store", "t", b"", attributes={"a": 1}),
        CloudEvent("", "/shop", "u", b"", attributes={"a": 1}),
        CloudEvent("", "/shop", "t", b"0", attributes={"a": 1}),
    ],
)
def test_events_without_identity_that_differ_anywhere_are_two_letters(other: CloudEvent) -> None:
    one = CloudEvent("", "/shop", "t", b"", attributes={"a": 1})
    same = CloudEvent("", "/shop", "t", b"", attributes={"a": 1, "traceparent": "00-1"})
    assert letter_id(TOPIC, one) == letter_id(TOPIC, same) != letter_id(TOPIC, other)


@pytest.mark.parametrize("entry", [b"", b"not json", b"[1]", b'"text"', b"\xff", b"{" * 9_000])
def test_what_is_no_event_is_one_letter_each_time_it_comes(entry: bytes) -> None:
    assert item(entry).key is None
    assert item(entry).letters() == item(entry).letters()
    assert item(entry).letters() != item(entry + b"1").letters()


def test_what_is_nested_too_deep_for_python_is_known_by_its_identity_all_the_same() -> None:
    deep = b"[" * 9_000 + b'"]\\"{", {"id": "not this"}' + b"]" * 9_000
    head = b'{"specversion": "1.0", "id": "e\\"1]", "source": "/s", "data": {"a": '
    entry = head + deep + b'}, "type": "t", "datacontenttype": "application/json"}'
    event = read_entry(entry)
    assert (event.id, event.source, event.type) == ('e"1]', "/s", "t")
    assert item(entry).key


def test_a_tick_of_a_schedule_is_not_redriven_as_it_was_on_no_topic() -> None:
    event = {"id": "r/2030", "source": "/usher/every", "type": "usher.tick.v1", "data": {}}
    letter = dead_letter(event=event, reason="route_condition", topic="every", route="r")
    assert "usher publish" in (redrive.impossible(letter) or "")


@pytest.mark.parametrize(
    ("size", "possible"),
    [
        (MAX_DATA_BYTES, True),
        (MAX_DATA_BYTES + 3, False),
        (MAX_KEPT_BYTES, False),
        (MAX_KEPT_BYTES + 1, False),
    ],
)
def test_a_letter_is_redriven_only_where_its_data_are_whole_and_served(
    size: int, possible: bool
) -> None:
    body = b"\xff" * size
    event = CloudEvent("e-1", "/test", "test", body).original().model_dump()
    letter = dead_letter(event=event, reason="oversize", topic="workflow-requests")
    assert (redrive.impossible(letter) is None) is possible
    cut = size > MAX_KEPT_BYTES
    assert event["data_bytes"] == (size if cut else None)
    kept = base64.b64decode(event["data_base64"])
    assert kept == (body[:KEPT_OF_LARGER] if cut else body)
