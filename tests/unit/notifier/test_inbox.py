"""HOP 3's way in: each notice is printed, then kept; once kept, never again."""

import io
import json
from datetime import datetime
from typing import Any, cast

import pytest
from redis import RedisError

from chassis.topic_server import RETRY, SUCCESS
from contracts.cloudevent import CloudEvent
from contracts.records import DeadLetter, Notice
from notifier.inbox import Inbox
from notifier.lines import LineWriter
from notifier.metrics import Metrics
from notifier.records.shapes import DEAD_LETTERS, NOTICES, Shape
from notifier.records.store import RecentRecords
from tests.support.at_once import at_once
from tests.support.sidecar import raw_delivery

NOTICE: dict[str, Any] = {
    "instance_id": "i-1",
    "workflow": "hello_workflow",
    "outcome": "COMPLETED",
    "output": "Hello, Ada!",
    "started_at": "2030-01-01T00:00:00Z",
    "finished_at": "2030-01-01T00:00:02Z",
    "duration_s": 2.0,
}
LETTER: dict[str, Any] = {
    "reason": "unknown_workflow",
    "field": "workflow",
    "message": "no workflow is named 'x'",
    "topic": "workflow-requests",
    "attempts": 1,
    "event": {"id": "e-1", "source": "/shop", "type": "t", "data": {"workflow": "x"}},
}


class FakeShelf:
    """Records by id, in memory; or Redis is away when one is looked up or kept."""

    def __init__(self, out: io.StringIO, shape: Shape[Any], away: str = "") -> None:
        self._out = out
        self._shape = shape
        self.away = away
        self.records: dict[str, Any] = {}
        self.printed_before: list[str] = []

    async def find(self, record_id: str) -> Any:
        if self.away == "find":
            raise RedisError("gone")
        found = self.records.get(record_id)
        return self._shape.read(record_id, json.dumps(found)) if found else None

    async def put(self, record: Notice | DeadLetter, _: datetime) -> None:
        if self.away == "put":
            raise RedisError("gone")
        self.printed_before = self._out.getvalue().splitlines()
        self.records[record.id] = json.loads(record.model_dump_json(exclude_unset=True))


class Notifier:
    """An inbox with what it has kept and what it has printed, as JSON lines."""

    def __init__(self) -> None:
        self.out = io.StringIO()
        self.notices = FakeShelf(self.out, NOTICES)
        self.letters = FakeShelf(self.out, DEAD_LETTERS)
        notices = cast("RecentRecords[Notice]", self.notices)
        letters = cast("RecentRecords[DeadLetter]", self.letters)
        self.inbox = Inbox(notices, letters, LineWriter("json", self.out), Metrics())

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]

    def complete(self, data: Any = NOTICE, event_id: str = "n-1") -> Any:
        body = raw_delivery(json.dumps(data).encode(), id=event_id)
        return at_once(self.inbox.on_completion)(body)

    def put_aside(self, data: Any = LETTER, event_id: str = "l-1") -> Any:
        kind = "usher.event.deadlettered.v1"
        event = CloudEvent(event_id, "/usher/o", kind, json.dumps(data).encode())
        return at_once(self.inbox.on_dead_letter)(event.to_json())


def test_a_notice_is_printed_and_then_kept() -> None:
    notifier = Notifier()
    assert notifier.complete() is SUCCESS
    assert len(notifier.notices.printed_before) == 1
    kept = notifier.notices.records["n-1"]
    assert kept.items() <= notifier.lines[0].items()
    assert (kept["instance_id"], kept["output"], kept["id"]) == ("i-1", "Hello, Ada!", "n-1")
    assert kept["seen_at"]


def test_a_notice_that_comes_again_changes_nothing() -> None:
    notifier = Notifier()
    notifier.complete()
    before = dict(notifier.notices.records)
    assert notifier.complete() is SUCCESS
    assert notifier.complete({**NOTICE, "outcome": "TERMINATED"}) is SUCCESS
    assert notifier.notices.records == before
    assert len(notifier.lines) == 1


def test_notices_of_two_events_are_two() -> None:
    notifier = Notifier()
    notifier.complete()
    notifier.complete(event_id="n-2")
    assert set(notifier.notices.records) == {"n-1", "n-2"}
    assert len(notifier.lines) == 2


@pytest.mark.parametrize("call", ["find", "put"])
def test_a_notice_is_asked_for_again_while_redis_is_away(call: str) -> None:
    notifier = Notifier()
    notifier.notices.away = call
    assert notifier.complete() is RETRY
    notifier.notices.away = ""
    assert notifier.complete() is SUCCESS
    assert set(notifier.notices.records) == {"n-1"}
    assert notifier.lines


@pytest.mark.parametrize("call", ["find", "put"])
def test_a_dead_letter_is_asked_for_again_while_redis_is_away(call: str) -> None:
    notifier = Notifier()
    notifier.letters.away = call
    assert notifier.put_aside() is RETRY
    notifier.letters.away = ""
    assert notifier.put_aside() is SUCCESS
    assert set(notifier.letters.records) == {"l-1"}


def test_a_dead_letter_is_printed_and_then_kept() -> None:
    notifier = Notifier()
    assert notifier.put_aside() is SUCCESS
    assert len(notifier.letters.printed_before) == 1
    kept = notifier.letters.records["l-1"]
    for name, value in LETTER.items():
        assert kept[name] == value
    assert kept["first_seen"] == kept["last_seen"]
    assert kept["redriven_at"] is None


def test_a_dead_letter_has_no_data_base64_unless_it_needs_it() -> None:
    notifier = Notifier()
    notifier.put_aside()
    assert "data_base64" not in notifier.letters.records["l-1"]["event"]
    assert "data_base64" not in notifier.lines[0]["event"]


def test_an_event_put_aside_again_is_one_letter_with_more_attempts() -> None:
    notifier = Notifier()
    notifier.put_aside()
    first = notifier.letters.records["l-1"]
    assert notifier.put_aside({**LETTER, "attempts": 2}) is SUCCESS
    again = notifier.letters.records["l-1"]
    assert again["attempts"] == 2
    assert again["first_seen"] == first["first_seen"]
    assert again["last_seen"] >= first["last_seen"]


def test_an_event_put_aside_again_is_still_known_to_have_been_redriven() -> None:
    notifier = Notifier()
    notifier.put_aside()
    notifier.letters.records["l-1"]["redriven_at"] = "2030-01-01T00:00:00Z"
    notifier.put_aside()
    assert notifier.letters.records["l-1"]["redriven_at"] == "2030-01-01T00:00:00Z"


def test_a_letter_that_is_put_aside_anew_after_its_redrive_may_be_redriven_again() -> None:
    notifier = Notifier()
    notifier.put_aside()
    notifier.letters.records["l-1"]["redriven_at"] = "2030-01-01T00:00:00Z"
    notifier.put_aside({**LETTER, "attempts": 2})
    assert notifier.letters.records["l-1"]["redriven_at"] is None


def test_what_is_no_notice_is_shown_among_the_dead_letters() -> None:
    notifier = Notifier()
    assert notifier.complete({"hello": "there"}) is SUCCESS
    assert notifier.notices.records == {}
    ((_, letter),) = notifier.letters.records.items()
    assert letter["reason"] == "invalid_event"
    assert letter["topic"] == "workflow-completions"
    assert letter["event"]["data"] == {"hello": "there"}


def test_completions_without_identity_are_not_taken_for_one_another() -> None:
    notifier = Notifier()
    for data in (b'{"a": 1}', b'{"a": 2}'):
        at_once(notifier.inbox.on_completion)(raw_delivery(data, id=""))
    assert len(notifier.letters.records) == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"not json", b"[" * 300 + b"]" * 300, rb'"\ud800"'],
    ids=["empty", "not UTF-8", "text", "deep", "half a surrogate pair"],
)
def test_garbage_on_either_topic_is_kept_and_not_asked_for_again(body: bytes) -> None:
    notifier = Notifier()
    assert at_once(notifier.inbox.on_completion)(body) is SUCCESS
    assert at_once(notifier.inbox.on_dead_letter)(body) is SUCCESS
    assert len(notifier.letters.records) == 2
    assert len(notifier.lines) == 2
