"""CloudEvents: what is read is what was written, and what is no CloudEvent names the attribute."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import redrive, strict_json
from contracts.cloudevent import CloudEvent
from contracts.entry import read_entry
from contracts.events import EventDeadLettered, OriginalEvent, Reason
from contracts.refusal import Refused
from tests.support.answers import dead_letter
from tests.support.sidecar import delivery

ENVELOPE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shop",
    "type": "order.placed",
    "data": {"workflow": "hello_workflow"},
}

TEXT = st.text(min_size=1, max_size=20)
ATTRIBUTE_NAMES = st.from_regex("[a-z][a-z0-9]{0,8}", fullmatch=True).filter(
    lambda name: name not in {*ENVELOPE, "datacontenttype"}
)
ATTRIBUTES = st.dictionaries(ATTRIBUTE_NAMES, TEXT | st.integers() | st.booleans(), max_size=3)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def refused(envelope: Any) -> Refused:
    with pytest.raises(Refused) as found:
        CloudEvent.from_dict(envelope)
    assert found.value.reason is Reason.INVALID_EVENT
    return found.value


@given(TEXT, TEXT, TEXT, ATTRIBUTES, JSON_VALUES)
def test_an_event_of_json_survives_being_written_and_read(
    event_id: str, source: str, kind: str, attributes: dict[str, Any], data: Any
) -> None:
    body = json.dumps(data, ensure_ascii=False).encode()
    event = CloudEvent(event_id, source, kind, body, attributes=attributes)
    envelope = strict_json.loads(event.to_json())
    assert envelope["data"] == data
    read = CloudEvent.from_dict(envelope)
    assert (read.id, read.source, read.type) == (event_id, source, kind)
    assert read.attributes == attributes
    assert strict_json.loads(read.body) == data


@given(st.binary(max_size=60), st.sampled_from(["application/octet-stream", "text/plain"]))
def test_an_event_of_other_bytes_survives_being_written_and_read(body: bytes, kind: str) -> None:
    event = CloudEvent("e-1", "/shop", "t", body, datacontenttype=kind)
    read = CloudEvent.from_dict(strict_json.loads(event.to_json()))
    assert read == event


def test_an_event_of_json_without_data_is_still_written_as_json() -> None:
    envelope = strict_json.loads(CloudEvent("e-1", "/shop", "t", b"").to_json())
    assert not envelope.get("data")


def test_the_envelope_belongs_to_the_event_whatever_its_attributes_are_called() -> None:
    event = CloudEvent("e-1", "/shop", "t", b"{}", attributes={"id": "other", "subject": "s"})
    envelope = strict_json.loads(event.to_json())
    assert (envelope["id"], envelope["subject"]) == ("e-1", "s")


@pytest.mark.parametrize("name", ["id", "source", "type"])
@pytest.mark.parametrize("value", [None, "", 7])
def test_an_event_without_an_attribute_that_it_needs_is_refused(name: str, value: Any) -> None:
    assert refused({**ENVELOPE, name: value}).field == name


@pytest.mark.parametrize("version", [None, "0.3", 1.0])
def test_another_version_of_the_specification_is_refused(version: Any) -> None:
    assert refused({**ENVELOPE, "specversion": version}).field == "specversion"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("trace_id", "x"),
        ("Subject", "x"),
        ("sequence", 1.5),
        ("subject", ["x"]),
        ("datacontenttype", 7),
        ("data_base64", "not base64!"),
        ("data_base64", 7),
    ],
)
def test_an_attribute_that_cannot_be_is_refused_and_named(attribute: str, value: Any) -> None:
    assert refused({**ENVELOPE, attribute: value}).field == attribute


@pytest.mark.parametrize("envelope", [None, [], "text", 7])
def test_what_is_no_object_is_no_event(envelope: Any) -> None:
    assert "JSON object" in refused(envelope).message


def test_json_is_what_data_is_when_nothing_else_is_said() -> None:
    read = CloudEvent.from_dict({**ENVELOPE, "datacontenttype": None, "subject": None})
    assert read.datacontenttype == "application/json"
    assert read.attributes == {}


def test_data_in_base64_is_the_bytes() -> None:
    envelope = {k: v for k, v in ENVELOPE.items() if k != "data"}
    body = b"\xff\x00"
    envelope["datacontenttype"] = "application/octet-stream"
    read = CloudEvent.from_dict({**envelope, "data_base64": base64.b64encode(body).decode()})
    assert read.body == body


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "a/b+json"]
)
def test_bytes_of_a_json_type_that_are_no_json_are_refused(kind: str) -> None:
    """A sidecar would answer that the broker is away, and a redrive would stop there."""
    envelope = {k: v for k, v in ENVELOPE.items() if k != "data"} | {"datacontenttype": kind}
    for body in (b"\xff", b'1, "id": "another"', b"NaN"):
        with pytest.raises(Refused) as found:
            CloudEvent.from_dict({**envelope, "data_base64": base64.b64encode(body).decode()})
        assert (found.value.reason, found.value.field) == (Reason.INVALID_JSON, "data")


@given(TEXT)
def test_text_is_the_text_without_quotes(text: str) -> None:
    envelope = {**ENVELOPE, "datacontenttype": "text/plain; charset=utf-8", "data": text}
    assert CloudEvent.from_dict(envelope).body == text.encode()


def test_an_event_of_text_without_data_has_no_bytes() -> None:
    envelope = {k: v for k, v in ENVELOPE.items() if k != "data"}
    assert CloudEvent.from_dict({**envelope, "datacontenttype": "text/plain"}).body == b""


def test_a_delivery_is_taken_with_its_extensions() -> None:
    event = CloudEvent.received(delivery(b'{"a": 1}', id="e-2", extensions={"sequence": "7"}))
    assert (event.id, event.source, event.body) == ("e-2", "/test", b'{"a": 1}')
    assert event.attributes["sequence"] == "7"
    assert event.identified() is event


@pytest.mark.parametrize("missing", ["id", "source"])
def test_an_event_that_cannot_be_identified_is_refused(missing: str) -> None:
    event = replace(CloudEvent.received(delivery(b"{}")), **{missing: ""})  # type: ignore[arg-type]
    with pytest.raises(Refused) as found:
        event.identified()
    assert (found.value.reason, found.value.field) == (Reason.INVALID_EVENT, missing)


# --- what a dead letter keeps of an event ---------------------------------------------------------


def through_a_dead_letter(event: CloudEvent) -> OriginalEvent:
    letter = EventDeadLettered(
        reason=Reason.INVALID_JSON, message="m", topic="t", event=event.original()
    )
    text = letter.model_dump_json(exclude_unset=True)
    return EventDeadLettered.model_validate_json(text).event


def bytes_of(original: OriginalEvent) -> bytes:
    if original.data_base64 is not None:
        return base64.b64decode(original.data_base64)
    assert isinstance(original.data, str)
    return original.data.encode()


def is_json(body: bytes) -> bool:
    try:
        strict_json.loads(body)
    except Refused:
        return False
    return True


@given(st.binary(max_size=60).filter(lambda body: not is_json(body)))
def test_bytes_that_are_no_json_are_kept_to_the_last_one(body: bytes) -> None:
    original = through_a_dead_letter(CloudEvent("e-1", "/shop", "t", body))
    assert bytes_of(original) == body


@pytest.mark.parametrize("body", [b"\xff\xfe", b"caf\xe9", b"{\xc3\x28}"])
def test_base64_is_used_only_where_the_bytes_are_not_utf_8(body: bytes) -> None:
    kept = CloudEvent("e-1", "/shop", "t", body).original().model_dump(exclude_unset=True)
    assert base64.b64decode(kept["data_base64"]) == body
    assert "data" not in kept


@pytest.mark.parametrize("body", ["not json", '{"a": 1, "a": 2}', "[NaN]", "café"])
def test_text_that_is_no_json_is_kept_as_text(body: str) -> None:
    kept = CloudEvent("e-1", "/shop", "t", body.encode()).original()
    assert kept.model_dump(exclude_unset=True)["data"] == body


@given(JSON_VALUES)
def test_json_is_kept_as_json(data: Any) -> None:
    event = CloudEvent("e-1", "/shop", "t", json.dumps(data).encode())
    assert through_a_dead_letter(event).data == data


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 230 + b"]" * 230, id="deep"),
        pytest.param(b"[" * 300 + b"]" * 300, id="deeper"),
        pytest.param(b"[" * 5_000 + b"]" * 5_000, id="deepest"),
        pytest.param(b"9" * 5_000, id="long number"),
        pytest.param(b"1e999", id="number beyond a float"),
        pytest.param(rb'"\ud800"', id="half a surrogate pair"),
    ],
)
def test_poison_too_fits_into_a_dead_letter_as_it_came(body: bytes) -> None:
    """Where it did not, it could not be put aside, and would be delivered for ever."""
    original = through_a_dead_letter(CloudEvent("e-1", "/shop", "t", body))
    assert bytes_of(original) == body


def test_a_dead_letter_keeps_attributes_and_says_null_for_a_missing_one() -> None:
    event = CloudEvent("e-1", "", "t", b"{}", "text/plain", attributes={"sequence": "7"})
    kept = through_a_dead_letter(event).model_dump()
    assert (kept["id"], kept["source"], kept["type"]) == ("e-1", None, "t")
    assert (kept["datacontenttype"], kept["sequence"]) == ("text/plain", "7")


@pytest.mark.parametrize("name", ["data", "data_base64", "id"])
def test_an_extension_named_like_a_part_of_the_envelope_does_no_harm(name: str) -> None:
    event = CloudEvent.received(delivery(b'{"a": 1}', extensions={name: "x"}))
    original = through_a_dead_letter(event)
    assert original.data == {"a": 1}
    assert original.id == "event-1"


def test_data_that_python_would_round_are_kept_as_bytes_and_redriven_as_they_were() -> None:
    body = b'{"workflow": "w", "input": 0.1000000000000000055511151231257827}'
    event = CloudEvent("e-1", "/shop", "t", body).original().model_dump()
    assert event["data"] == {"workflow": "w", "input": 0.1}
    letter = dead_letter(event=event)
    assert read_entry(redrive.cloudevent(letter)).body == body
    assert CloudEvent.from_dict(json.loads(redrive.cloudevent(letter))).body == body


@given(
    st.binary(max_size=40)
    | TEXT.map(str.encode)
    | JSON_VALUES.map(lambda v: json.dumps(v).encode()),
    st.sampled_from(["text/plain", "application/octet-stream", "text/xml"]),
)
def test_other_data_than_json_is_redriven_as_it_came(body: bytes, kind: str) -> None:
    event = CloudEvent("e-1", "/shop", "t", body, kind)
    letter = dead_letter(event=event.original().model_dump(exclude_unset=True))
    assert CloudEvent.from_dict(json.loads(redrive.cloudevent(letter))).body == body


@given(TEXT.filter(lambda text: text and not is_json(text.encode())))
def test_a_redrive_does_not_make_json_of_what_was_none(text: str) -> None:
    event = CloudEvent("e-1", "/shop", "t", text.encode())
    letter = dead_letter(event=event.original().model_dump(exclude_unset=True))
    with pytest.raises(Refused) as found:
        CloudEvent.from_dict(json.loads(redrive.cloudevent(letter)))
    assert found.value.reason is Reason.INVALID_JSON
