"""The audit's own rules: of copies the best speaks, what is on its way is not lost, and no more."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from contracts.calls import Call
from contracts.cloudevent import CloudEvent
from contracts.digest import command_digest
from contracts.entry import read_entry
from contracts.identity import event_key, notice_id
from contracts.letters import letter_id, reused_id
from contracts.topics import Topic
from orchestrator.intake.routed_arrivals import Router
from usher.audit.auditor import Auditor
from usher.audit.report import Report
from usher.audit.topic_reader import STREAM, EntryId, Gone, Progress, StreamEntry
from usher.client import Client

NOW = int(datetime.now(UTC).timestamp() * 1000)
LETTER = letter_id(Topic.REQUESTS, CloudEvent("e", "/s", "t", b""))
NOTICE = notice_id("i-1", event_key("/s", "e"))


def event(event_id: str = "e", **data: Any) -> bytes:
    held = {"workflow": "hello_workflow", "instance_id": "i-1", **data}
    return CloudEvent(event_id, "/s", "t", json.dumps(held).encode()).to_json()


def letter(attempts: int = 1) -> bytes:
    body = json.dumps({"attempts": attempts}).encode()
    return CloudEvent(LETTER, "/usher/orchestrator", "t", body).to_json()


LAST = EntryId(2**64 - 1, 2**64 - 1)
NOTICED = CloudEvent(NOTICE, "/usher/orchestrator", "t", b"{}").to_json()


class World:
    """Streams and services that say what they are told to."""

    def __init__(self) -> None:
        self.streams: defaultdict[str, list[StreamEntry]] = defaultdict(list)
        self.pending: set[EntryId] = set()
        self.delivered: dict[str, EntryId | None] = {}
        self.accounts: dict[str, dict[str, Any]] = {}
        self.letters: dict[str, dict[str, Any]] = {}
        self.notices: set[str] = set()
        self.forgotten_before: float | None = None
        self.gone: dict[str, list[Gone] | None] = {}
        self.asked = 0
        self.broken: list[str] = []
        self.often: dict[EntryId, int] = {}
        self.router = Router((), {})

    def add(self, topic: str, data: bytes, age: timedelta = timedelta()) -> EntryId:
        number = sum(map(len, self.streams.values()))
        entry_id = EntryId(NOW - int(age.total_seconds() * 1000), number)
        entry = StreamEntry(topic, entry_id, data)
        self.streams[topic].append(entry)
        return entry.id

    def account(self, disposition: str, event_id: str = "e", **more: Any) -> None:
        key = event_key("/s", event_id)
        letters = int(disposition in ("dead_lettered", "expired"))
        account = {"key": key, "topic": Topic.REQUESTS, "disposition": disposition}
        rest = {
            "at": datetime.now(UTC).isoformat(),
            "instance_id": "i-1",
            "letters": letters,
            "notice": None,
            "missing": None,
        }
        self.accounts[key] = {**account, **rest, **more}

    def keep(self, attempts: int = 1) -> None:
        about = {"source": "/s", "id": "e"}
        letter = {"id": LETTER, "attempts": attempts, "reason": "invalid_input", "event": about}
        self.letters[LETTER] = letter

    def audit(self) -> Report:
        return Auditor(lambda _: self, cast(Client, self), lambda _: None).run()

    def missing(self) -> list[str]:
        return [finding.missing for finding in self.audit().findings]

    # The streams.
    def unseen(self, _topic: str) -> str | None:
        return None

    def progress(self, topic: str, _: str) -> Progress:
        delivered = self.delivered.get(topic, LAST)
        given = {STREAM: delivered} if delivered else {}
        return Progress({STREAM: LAST}, given, frozenset(self.pending), self.often)

    def pages(self, topic: str, _upto: Progress) -> Iterator[list[StreamEntry]]:
        if entries := list(self.streams[topic]):
            yield entries

    def again(self, topic: str, ids: Iterable[EntryId]) -> list[StreamEntry]:
        wanted = set(ids)
        return [one for one in self.streams[topic] if one.id in wanted]

    def vanished(self, topic: str, _group: str) -> list[Gone] | None:
        return self.gone.get(topic, [])

    # The services.
    def send(self, call: Call[Any]) -> Any:
        if call.path == "/routes":
            return self.router.report()
        asked = json.loads(call.body or b"")
        return call.returns.model_validate(self._answer(call.path, asked))

    def _answer(self, path: str, asked: dict[str, list[str]]) -> dict[str, Any]:
        if path == "/events/lookup":
            self.asked += len(asked["keys"])
            since = datetime.now(UTC) - timedelta(days=30)
            found = [self.accounts[key] for key in asked["keys"] if key in self.accounts]
            return {"items": found, "since": since.isoformat(), "broken": self.broken}
        if path == "/dead-letters/lookup":
            kept = [self.letters[one] for one in asked["ids"] if one in self.letters]
        else:
            kept = [{"id": o, "instance_id": "i-1"} for o in asked["ids"] if o in self.notices]
        return {"items": kept, "forgotten_before": self.forgotten_before}


@pytest.fixture
def world() -> World:
    return World()


def test_a_repeat_is_one_event_and_is_not_asked_for_again(world: World) -> None:
    world.account("started")
    world.add(Topic.REQUESTS, event())
    for _ in range(2):
        world.add(Topic.EVENTS, event())
    report = world.audit()
    assert (report.entries, report.events, report.unaccounted) == (3, 1, 0)
    assert report.dispositions == {"started": 1}
    assert world.asked == 1


def test_of_copies_that_differ_the_one_that_was_served_speaks(world: World) -> None:
    world.account("started")
    world.add(Topic.REQUESTS, event(instance_id="other"))
    assert world.missing() == ["it is for 'other', but the ledger has it for 'i-1'"]
    world.add(Topic.REQUESTS, event())
    (missing,) = world.missing()
    assert "for 'other'" in missing


@pytest.mark.parametrize("known", [None, command_digest(read_entry(event()))])
def test_of_two_events_of_one_identity_the_one_that_vanished_is_named(
    world: World, known: str | None
) -> None:
    world.account("started", command=known)
    world.add(Topic.REQUESTS, event())
    assert world.missing() == []
    world.add(Topic.REQUESTS, event(input="Grace"))
    world.add(Topic.REQUESTS, event(input="Grace"))
    (missing,) = world.missing()
    assert "under an id of its own" in missing


def test_an_event_put_aside_for_its_identity_is_accounted_for_and_named(world: World) -> None:
    other = event(input="Grace")
    world.account("started", command=command_digest(read_entry(event())))
    for one in (event(), other, other):
        world.add(Topic.REQUESTS, one)
    letter = reused_id(Topic.REQUESTS, read_entry(other))
    world.keep()
    world.letters[letter] = {**world.letters.pop(LETTER), "id": letter}
    report = world.audit()
    assert (report.findings, report.events) == ([], 2)
    assert report.dispositions == {"started": 1, "dead_lettered": 1}
    assert [one.id for one in report.reused] == ["e"]


def test_a_record_that_cannot_be_read_is_named(world: World) -> None:
    world.broken = [event_key("/s", "e")]
    world.add(Topic.REQUESTS, event())
    (missing,) = world.missing()
    assert f"event-{event_key('/s', 'e')} cannot be read" in missing


def test_what_is_claimed_for_long_or_delivered_often_is_named_though_it_is_open(
    world: World,
) -> None:
    entry = world.add(Topic.REQUESTS, event())
    world.pending.add(entry)
    minutes = [datetime.now(UTC) - timedelta(minutes=m) for m in (1, 10)]
    world.account("claimed", at=minutes[0].isoformat())
    assert world.missing() == []
    world.account("claimed", at=minutes[1].isoformat())
    (missing,) = world.missing()
    assert "claimed for 'i-1' 600 s ago" in missing
    world.account("claimed", attempt=50)
    (missing,) = world.missing()
    assert "attempt 50" in missing
    world.accounts = {}
    world.often = {entry: 500}
    (missing,) = world.missing()
    assert "delivered 500 times" in missing


def test_an_old_copy_that_is_forgotten_does_not_excuse_a_new_one(world: World) -> None:
    world.add(Topic.REQUESTS, event(), timedelta(days=31))
    report = world.audit()
    assert (report.forgotten, report.unaccounted) == (1, 0)
    world.add(Topic.REQUESTS, event())
    report = world.audit()
    assert (report.forgotten, report.unaccounted) == (0, 1)


def test_what_is_pending_or_not_yet_delivered_is_open(world: World) -> None:
    entry = world.add(Topic.REQUESTS, event(), timedelta(minutes=1))
    world.pending.add(entry)
    report = world.audit()
    assert (report.open, report.unaccounted) == (1, 0)
    assert report.oldest_open_s is not None
    assert report.oldest_open_s >= 60
    world.pending.clear()
    assert world.audit().unaccounted == 1
    for before in (None, EntryId(0, 0)):
        world.delivered[Topic.REQUESTS] = before
        assert world.audit().open == 1


def test_what_is_half_done_and_acknowledged_is_lost(world: World) -> None:
    entry = world.add(Topic.REQUESTS, event())
    world.account("claimed")
    assert world.missing() == ["acknowledged, but the ledger has it half done"]
    world.pending.add(entry)
    assert world.missing() == []


def test_a_dead_letter_counts_with_as_many_attempts_as_the_ledger_says(world: World) -> None:
    world.add(Topic.REQUESTS, event())
    world.account("dead_lettered", letters=2)
    world.keep(attempts=1)
    assert len(world.missing()) == 1
    world.keep(attempts=2)
    assert world.missing() == []


def test_a_dead_letter_about_another_event_does_not_count(world: World) -> None:
    world.add(Topic.REQUESTS, event())
    world.account("dead_lettered")
    world.keep()
    world.letters[LETTER]["event"] = {"source": "/s", "id": "other"}
    assert len(world.missing()) == 1


@pytest.mark.parametrize(("topic", "message"), [
    (Topic.DEAD_LETTERS, letter()), (Topic.COMPLETIONS, NOTICED),
])  # fmt: skip
def test_what_the_notifier_has_not_acknowledged_is_on_its_way(
    world: World, topic: Topic, message: bytes
) -> None:
    world.add(Topic.REQUESTS, event())
    if topic is Topic.DEAD_LETTERS:
        world.account("dead_lettered")
    else:
        world.account("started", notice=NOTICE)
    assert len(world.missing()) == 1
    sent = world.add(topic, message, timedelta(minutes=1))
    (missing,) = world.missing()
    assert missing.endswith("at the notifier, which had heard it")
    world.pending.add(sent)
    assert world.missing() == []
    world.pending.clear()
    world.forgotten_before = sent.ms / 1000 - 1
    assert len(world.missing()) == 1
    world.forgotten_before = sent.ms / 1000 + 1
    assert world.missing() == []


def test_a_letter_on_its_way_counts_with_its_attempts_too(world: World) -> None:
    world.add(Topic.REQUESTS, event())
    world.account("dead_lettered", letters=2)
    world.pending.add(world.add(Topic.DEAD_LETTERS, letter(attempts=1)))
    assert len(world.missing()) == 1
    world.pending.add(world.add(Topic.DEAD_LETTERS, letter(attempts=2)))
    assert world.missing() == []


def test_an_event_that_no_command_can_be_read_from_must_be_dead_lettered(world: World) -> None:
    world.add(Topic.REQUESTS, event(workflow=7))
    world.account("started")
    (missing,) = world.missing()
    assert "cannot be served (invalid_request)" in missing


def test_a_trace_that_is_missing_counts_unless_the_entry_is_in_flight(world: World) -> None:
    entry = world.add(Topic.REQUESTS, event())
    world.account("started", missing="no trace of the run")
    assert world.missing() == ["no trace of the run"]
    world.pending.add(entry)
    assert world.missing() == []


def test_entries_that_are_gone_count(world: World) -> None:
    world.gone = {Topic.REQUESTS: [Gone(2, "deleted"), Gone(1, "cut")], Topic.EVENTS: None}
    report = world.audit()
    assert report.unaccounted == 3
    assert report.blind == [Topic.EVENTS]
