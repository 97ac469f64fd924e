"""Records of native Kafka producers become entries; what came through Dapr stays as it is."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest

from contracts.entry import read_entry
from contracts.native import entry_of, entry_of_record
from contracts.refusal import Refused
from contracts.topics import Topic

START = b'{"workflow": "hello_workflow", "input": "Ada"}'
TOPIC = "workflow-requests"
PLACE = {"__topic": TOPIC, "__partition": "3", "__offset": "41"}


def read(body: bytes, **headers: str | bytes) -> Any:
    return read_entry(entry_of(body, TOPIC, (PLACE | headers).items()))


def binary(**attributes: str) -> dict[str, str]:
    """As a sidecar passes them on, whose component has `escapeHeaders`."""
    known = {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "order"}
    return {f"ce_{name}": quote_plus(text) for name, text in {**known, **attributes}.items()}


def test_what_came_through_dapr_is_the_entry() -> None:
    for body in (START, b"not json", b""):
        assert entry_of(body, TOPIC, ()) is body
        assert entry_of(body, TOPIC, [("traceparent", "00-1"), ("ce_specversion", "1.0")]) is body
    structured = b'{"specversion": "1.0", "id": "e", "source": "/s", "type": "t"}'
    assert entry_of(structured, TOPIC, PLACE.items()) is structured


def test_a_record_in_binary_mode_is_the_event_of_its_headers() -> None:
    due = "2030-01-01T00:00:00+00:00"
    event = read(START, **binary(source="/Kräne & Co", expiration=due), partitionkey="k")
    assert (event.id, event.source, event.type, event.body) == (
        "e-1",
        "/Kräne & Co",
        "order",
        START,
    )
    assert dict(event.attributes) == {"expiration": due}
    event.identified()


@pytest.mark.parametrize("lacking", ["id", "source"])
def test_a_record_that_lacks_an_attribute_is_an_event_that_says_so(lacking: str) -> None:
    headers = {name: text for name, text in binary().items() if name != f"ce_{lacking}"}
    with pytest.raises(Refused) as refused:
        read(START, **headers).identified()
    assert refused.value.field == lacking


def test_bare_json_is_known_by_its_place_so_that_it_is_served_once() -> None:
    event = read(START)
    assert (event.id, event.source, event.body) == ("3-41", "/kafka/workflow-requests", START)
    assert read(START, __offset="42").id == "3-42"


@pytest.mark.parametrize("body", [b"not json", b"[1]", b'"text"', b"{", b"\xff", b"[" * 9000, b""])
def test_what_is_no_object_stays_as_it_is(body: bytes) -> None:
    assert entry_of(body, TOPIC, PLACE.items()) is body


def test_on_topics_of_routes_bare_json_is_left_to_the_routes() -> None:
    assert entry_of(START, "orders", PLACE.items()) is START
    event = read_entry(entry_of(b'{"n": 1}', "orders", (PLACE | binary()).items()))
    assert (event.id, json.loads(event.body)) == ("e-1", {"n": 1})
    assert "orders" not in {*Topic}


def test_a_record_that_is_read_from_kafka_is_the_entry_of_its_delivery() -> None:
    raw = [("ce_specversion", b"1.0"), ("CE_id", b"e-1"), ("ce_source", "/Kräne & Co".encode())]
    raw += [("ce_type", b"order"), ("x", b"\xff\x00")]
    delivered = entry_of(START, TOPIC, (PLACE | binary(source="/Kräne & Co")).items())
    assert entry_of_record(START, "workflow-requests", 3, 41, raw) == delivered
    bare = entry_of(START, TOPIC, PLACE.items())
    assert entry_of_record(START, "workflow-requests", 3, 41, []) == bare != START
