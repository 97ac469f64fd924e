"""Raw entries of a topic: all that can be read of one is, and what is wrong is named."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cloudevent import CloudEvent
from contracts.entry import read_batch, read_entry
from contracts.events import Reason
from contracts.reading import read_command
from contracts.refusal import Refused

EVENT = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shop",
    "type": "test",
    "datacontenttype": "application/json",
    "data": {"workflow": "hello_workflow", "input": "Ada"},
}


def entry(**changes: Any) -> bytes:
    members = {k: v for k, v in {**EVENT, **changes}.items() if v is not ...}
    return json.dumps(members).encode()


def flaw(event: CloudEvent) -> Refused:
    with pytest.raises(Refused) as found:
        event.identified()
    return found.value


def test_an_event_is_read_with_its_attributes() -> None:
    event = read_entry(entry(sequence="7", traceparent="00-1-2-01", nothing=None))
    assert (event.id, event.source, event.type) == ("e-1", "/shop", "test")
    assert event.attributes == {"sequence": "7", "traceparent": "00-1-2-01"}
    assert event.identified() is event


@pytest.mark.parametrize(
    "data", ['{"a": 12345678901234567890, "b":1.10}', " [1,\n2] ", '"}{"', "7"]
)
def test_data_are_kept_as_they_were_written(data: str) -> None:
    text = entry(data=...).decode()
    event = read_entry(f'{text[:-1]}, "data":{data}}}'.encode())
    assert event.body == data.strip().encode()
    assert event.id == "e-1"


def test_data_without_a_content_type_are_json() -> None:
    assert json.loads(read_entry(entry(datacontenttype=...)).body) == EVENT["data"]


def test_text_is_the_text_itself_and_base64_the_bytes() -> None:
    assert read_entry(entry(datacontenttype="text/plain", data="a\nb")).body == b"a\nb"
    encoded = base64.b64encode(b"\xff\x00").decode()
    assert read_entry(entry(data=..., data_base64=encoded)).body == b"\xff\x00"


@pytest.mark.parametrize("data", [..., None])
def test_no_data_are_no_bytes(data: Any) -> None:
    assert read_entry(entry(data=data)).body == b""


@pytest.mark.parametrize("encoded", ["not base64!", 7, {"a": 1}, ""])
def test_data_that_are_no_base64_are_a_flaw_of_an_event_that_is_known(encoded: Any) -> None:
    event = read_entry(entry(data_base64=encoded))
    assert (event.id, event.source) == ("e-1", "/shop")
    assert (flaw(event).reason, flaw(event).field) == (Reason.INVALID_EVENT, "data_base64")


@pytest.mark.parametrize("value", [..., None, 7, ["e-1"], "\ud800"])
@pytest.mark.parametrize("name", ["id", "source"])
def test_an_event_that_cannot_be_named_says_what_is_missing(name: str, value: Any) -> None:
    found = flaw(read_entry(entry(**{name: value})))
    assert (found.reason, found.field) == (Reason.INVALID_EVENT, name)


@pytest.mark.parametrize(
    "data",
    [b"{not json", b'{"a": 1, "a": 2}', b"[" * 5000 + b"]" * 5000, b"9" * 5000, b'"\xff"', b"{,}"],
)
def test_data_that_are_no_json_leave_the_event_known(data: bytes) -> None:
    head = entry(data=...)[:-1]
    closing = b"}" * (data.count(b"{") - data.count(b"}"))
    event = read_entry(head + b', "data": ' + data + closing + b"}")
    assert (event.id, event.source) == ("e-1", "/shop")
    with pytest.raises(Refused):
        read_command(event)


@pytest.mark.parametrize(
    "text", [b"", b"text", b"[]", b'"{}"', b"{", b'{"id": "e-1"', b"{}{}", b"\xff\xfe", b"7"]
)
def test_what_is_no_object_is_kept_and_refused(text: bytes) -> None:
    event = read_entry(text)
    assert event.body == text
    assert flaw(event).reason is Reason.INVALID_JSON


@given(st.binary())
def test_any_bytes_are_read(text: bytes) -> None:
    read_entry(text).original()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text('a\\"{}[]:,'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('a\\"{}[]:,'), inner),
)


@given(_JSON, st.sampled_from([None, 1]))
def test_any_json_is_found_whatever_it_holds(data: Any, indent: int | None) -> None:
    event = read_entry(json.dumps({**EVENT, "data": data, "last": "x"}, indent=indent).encode())
    assert (event.id, event.attributes) == ("e-1", {"last": "x"})
    assert json.loads(event.body or b"null") == data


@given(st.lists(st.recursive(st.integers() | st.text(), st.lists, max_leaves=8)))
def test_a_batch_is_split_into_what_it_was_made_of(values: list[Any]) -> None:
    elements = [json.dumps(value).encode() for value in values]
    assert read_batch(b" [ " + b" ,\n".join(elements) + b"]\n") == elements
