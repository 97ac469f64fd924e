"""Reading raw dead letters: whatever an entry holds becomes a record that shows it."""

import base64
import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cloudevent import CloudEvent
from contracts.events import EventDeadLettered, OriginalEvent, Reason
from contracts.refusal import Refused
from notifier.records.reading import read_dead_letter, read_notice

LETTER = EventDeadLettered(
    reason=Reason.INVALID_INPUT,
    field="input.nme",
    message="input.nme: there is no such field",
    topic="workflow-requests",
    attempts=2,
    event=OriginalEvent(
        id="e-1", source="/shop", type="t", data={"input": {"nme": 1}}, **{"sequence": "3"}
    ),
)
NOTICE: dict[str, Any] = {
    "instance_id": "i-1",
    "workflow": "hello_workflow",
    "outcome": "COMPLETED",
    "output": "Hello, Ada!",
    "error": None,
    "custom_status": None,
    "started_at": "2030-01-01T00:00:00Z",
    "finished_at": "2030-01-01T00:00:02Z",
    "duration_s": 2.0,
}


def entry(body: bytes, kind: str = "usher.event.deadlettered.v1", **attributes: Any) -> bytes:
    return CloudEvent("letter-1", "/usher/o", kind, body, attributes=attributes).to_json()


def test_a_letter_of_ours_is_shown_as_it_was_written() -> None:
    found = read_dead_letter(entry(LETTER.model_dump_json(exclude_unset=True).encode()))
    assert found.id == "letter-1"
    assert found.first_seen == found.last_seen
    assert found.redriven_at is None
    shown = found.model_dump(exclude_unset=True)
    for name, value in LETTER.model_dump(exclude_unset=True).items():
        assert shown[name] == value


def test_what_a_sidecar_forwarded_is_undeliverable_and_keeps_the_event() -> None:
    """The sidecar puts the event there as it was, beside what it says of its own."""
    body = json.dumps({"workflow": "hello_workflow"}).encode()
    forwarded = entry(body, "order.placed", topic="workflow-requests", pubsubname="pubsub")
    found = read_dead_letter(forwarded)
    assert found.reason is Reason.UNDELIVERABLE
    assert found.field is None
    assert found.topic == "workflow-requests"
    event = found.event.model_dump(exclude_unset=True)
    assert (event["id"], event["source"], event["type"]) == ("letter-1", "/usher/o", "order.placed")
    assert event["data"] == {"workflow": "hello_workflow"}


@pytest.mark.parametrize("body", [b"", b"not json", b"{", b"[1, 2]", b'"text"', b"{}", b"null"])
def test_an_entry_that_is_no_event_is_shown_for_what_it_is(body: bytes) -> None:
    found = read_dead_letter(body)
    assert found.reason is Reason.UNDELIVERABLE
    assert found.topic == "workflow-dead-letters"
    assert found.id == sha256(body).hexdigest()
    kept = found.event.model_dump(exclude_unset=True)
    assert set(kept) == {"data"}


def test_bytes_that_are_no_text_are_shown_in_base64() -> None:
    found = read_dead_letter(b"\xff\xfe\x00")
    assert base64.b64decode(found.event.data_base64 or "") == b"\xff\xfe\x00"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"reason": "bad mood", "message": "m", "topic": "t", "event": {}}', b"[]"]
)
def test_a_letter_in_our_name_that_is_none_is_shown_whole(body: bytes) -> None:
    found = read_dead_letter(entry(body))
    assert found.reason is Reason.UNDELIVERABLE
    data: Any = found.event.data
    assert data["data"] == json.loads(body)


@given(st.binary(max_size=60))
def test_any_bytes_become_a_record_that_can_be_kept(body: bytes) -> None:
    assert json.loads(read_dead_letter(body).model_dump_json(exclude_unset=True))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 300 + b"]" * 300, id="deep"),
        pytest.param(b"[" * 5_000 + b"]" * 5_000, id="deeper"),
        pytest.param(b"9" * 5_000, id="a long number"),
        pytest.param(rb'"\ud800"', id="half a surrogate pair"),
        pytest.param(
            b'{"specversion": "1.0", "id": "\\ud800", "source": "s", "type": "t"}',
            id="half a surrogate pair for an id",
        ),
    ],
)
def test_poison_becomes_a_record_that_can_be_kept(body: bytes) -> None:
    assert json.loads(read_dead_letter(body).model_dump_json(exclude_unset=True))


def completion(body: Any, event_id: str = "n-1") -> CloudEvent:
    kind = "usher.workflow.completed.v1"
    return CloudEvent(event_id, "/usher/o", kind, json.dumps(body).encode())


def test_a_notice_is_the_message_with_its_id_and_when_it_was_seen() -> None:
    notice = read_notice(completion(NOTICE)).model_dump(mode="json")
    assert notice.pop("id") == "n-1"
    assert notice.pop("seen_at")
    assert notice == NOTICE


@pytest.mark.parametrize(
    "event",
    [
        completion({**NOTICE, "outcome": "PAUSED"}),
        completion("text"),
        completion(NOTICE, event_id=""),
        completion({**NOTICE, "output": "\ud800"}),
    ],
)
def test_what_is_no_notice_is_refused(event: CloudEvent) -> None:
    with pytest.raises(Refused) as refused:
        read_notice(event)
    assert refused.value.reason is Reason.INVALID_EVENT
