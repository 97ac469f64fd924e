"""Messages of topics of routes: CloudEvents in every form, and JSON without an envelope."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cloudevent import BATCH_CONTENT_TYPE, CloudEvent
from contracts.events import Reason
from contracts.expiry import deadline
from contracts.refusal import Refused
from contracts.routes.incoming import read_incoming

ENVELOPE = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "tenant": "a"}
HEADERS = {
    "ce_specversion": "1.0",
    "ce_id": "1",
    "ce_source": "/s",
    "ce_type": "t",
    "ce_tenant": "a",
}


def one(body: Any, headers: dict[str, str] | None = None) -> CloudEvent:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    (event,) = read_incoming(raw, "orders", headers)
    return event


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({**ENVELOPE, "data": {"n": 1}}, {}),
        ({**ENVELOPE, "data": {"n": 1}}, {"Content-Type": "application/cloudevents+json"}),
        ({**ENVELOPE, "data_base64": "eyJuIjogMX0="}, {}),
        ({"n": 1}, HEADERS),
        ({"n": 1}, {name.replace("_", "-").upper(): value for name, value in HEADERS.items()}),
        ({"n": 1}, {**HEADERS, "content-type": "application/json"}),
    ],
)
def test_every_form_is_the_same_event(body: Any, headers: dict[str, str]) -> None:
    event = one(body, headers).identified()
    assert (event.id, event.source, event.type) == ("1", "/s", "t")
    assert (json.loads(event.body), dict(event.attributes)) == ({"n": 1}, {"tenant": "a"})
    assert event.datacontenttype == "application/json"


@pytest.mark.parametrize("headers", [{}, {"content-type": BATCH_CONTENT_TYPE}])
def test_a_batch_is_its_events(headers: dict[str, str]) -> None:
    batch = [{**ENVELOPE, "id": str(n), "data": n} for n in range(3)]
    found = read_incoming(json.dumps(batch).encode(), "orders", headers)
    assert [(event.id, event.body) for event in found] == [("0", b"0"), ("1", b"1"), ("2", b"2")]


@pytest.mark.parametrize(
    "body", [{"order_id": 7}, [{"order_id": 7}], [], "text", 7, None, [{**ENVELOPE}, {"n": 1}]]
)
def test_json_without_an_envelope_is_data(body: Any) -> None:
    event = one(body).identified()
    assert (event.source, event.type, json.loads(event.body)) == ("/topics/orders", "", body)


def test_json_that_only_speaks_of_an_envelope_is_data() -> None:
    assert one({"wrapped": {**ENVELOPE}}).source == "/topics/orders"


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_a_redelivery_has_its_id_and_another_body_has_another(first: bytes, other: bytes) -> None:
    ids = [read_incoming(b"[" + body, "orders")[0].id for body in (first, first, other)]
    assert ids[0] == ids[1]
    assert (ids[0] == ids[2]) == (first == other)


@pytest.mark.parametrize(
    ("content_type", "known"),
    [
        ("", "application/json"),
        ("application/octet-stream", "application/json"),
        ("text/plain", "text/plain"),
    ],
)
def test_the_content_type_of_a_message_is_that_of_its_data(content_type: str, known: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert one(b"hello", headers).datacontenttype == known


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({**ENVELOPE, "id": ""}, {}),
        ({"specversion": "1.0"}, {}),
        (b'{"specversion": "1.0", "id": "1", "source": "/s", "data": {', {}),
        ({"n": 1}, {"ce_id": "1"}),
        (b"[{", {"content-type": BATCH_CONTENT_TYPE}),
        (b"{}", {"content-type": BATCH_CONTENT_TYPE}),
    ],
)
def test_a_message_that_is_not_a_valid_event_says_so(body: Any, headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        one(body, headers).identified()
    assert refused.value.reason in (Reason.INVALID_EVENT, Reason.INVALID_JSON)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({**ENVELOPE, "expiration": "2030-01-31T08:00:00Z"}, {}),
        ({"n": 1}, {**HEADERS, "ce_expiration": "2030-01-31T08:00:00Z"}),
    ],
)
def test_the_expiration_of_an_event_is_read_in_both_forms(
    body: Any, headers: dict[str, str]
) -> None:
    found = deadline(one(body, headers), datetime.now(UTC))
    assert found
    assert found.at == datetime(2030, 1, 31, 8, tzinfo=UTC)


@given(st.binary(max_size=80), st.dictionaries(st.sampled_from(list(HEADERS)), st.text(max_size=9)))
def test_any_message_is_read(body: bytes, headers: dict[str, str]) -> None:
    for event in read_incoming(body, "orders", headers):
        assert isinstance(event, CloudEvent)
