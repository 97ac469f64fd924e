"""Walks the streams, an entry after the other, and says what nothing accounts for.

What is read first is what may only be overtaken: how far a group has come, then an entry, then the
ledger, then the notifier. So an event that is being served meanwhile is never taken for lost. What
looks lost is looked at a second time, since its traces are several reads.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from contracts import calls
from contracts.cloudevent import CloudEvent
from contracts.digest import command_digest
from contracts.entry import read_entry
from contracts.http import Account
from contracts.letters import reused_id
from contracts.records import Found, Kept
from contracts.topics import Topic
from usher.audit.entries import key_of, letters_of
from usher.audit.messages import find, kept_or_coming
from usher.audit.report import Report, Unaccounted
from usher.audit.streams import PAGE, EntryId, StreamEntry, Streams, named
from usher.audit.verdict import LETTERED, Known, State, Verdict, judge, stuck
from usher.client import Client

AUDITED = (Topic.REQUESTS, Topic.EVENTS)
BROKEN = "the ledger's record event-{} cannot be read: mend or delete it, then send the event again"
SHARED = (
    "an event before it has its source and id and asks for something else, and one of them alone "
    "was served: publish this one under an id of its own"
)
REUSED = (
    "put aside as identity_reused: another event has its source and id; `usher redrive` sends it "
    "under an id of its own"
)
_NEARLY = timedelta(days=1)
"""The ledger's records of one event are not forgotten at the same moment."""


class Item(NamedTuple):
    """An entry, and the event it holds."""

    entry: StreamEntry
    event: CloudEvent
    key: str | None
    """Of its source and id in the ledger."""
    digest: str
    """Of what it asks for."""
    mark: str
    """What it is known by here. Another event of that source and id has a mark of its own."""

    @property
    def place(self) -> "Place":
        return self.entry.topic, self.entry.id


Place = tuple[Topic, EntryId]


class Auditor:
    """One audit. Memory: some 300 bytes an event, and a page."""

    def __init__(self, streams: Streams, client: Client, progress: Callable[[str], None]) -> None:
        self._streams = streams
        self._client = client
        self._say = progress
        self._verdicts: dict[str, Verdict] = {}
        self._first: dict[str, str] = {}
        """What the first event of an identity asks for, by the identity's key."""
        self._places: dict[str, Place] = {}
        """Where an event is that is not accounted for, or not yet."""

    def run(self) -> Report:
        report = Report()
        self._begun = {topic: self._streams.progress(topic) for topic in Topic}
        for topic in AUDITED:
            for page in self._streams.pages(topic, self._begun[topic].last):
                report.entries += len(page)
                self._take(page)
                self._say(f"{report.entries} entries")
        self._look_again()
        self._look_on_the_way()
        self._total(report)
        self._look_for_deletions(report)
        return report

    def _take(self, page: list[StreamEntry]) -> None:
        items: list[Item] = []
        for entry in page:
            event = read_entry(entry.data)
            key = key_of(event)
            digest = command_digest(event) if key else ""
            mark = key or letters_of(entry.topic, event, entry.data)[0]
            if key and self._first.setdefault(key, digest) != digest:
                mark = f"{key} {digest}"
            if not self._is_accounted_for(mark):
                items.append(Item(entry, event, key, digest, mark))
        self._judge(items)

    def _judge(self, items: list[Item]) -> None:
        keys = [item.key for item in items if item.key]
        told = self._client.send(calls.look_up_events(keys))
        broken = set(told.broken)
        horizon = told.since + _NEARLY
        accounts = {account.key: account for account in told.items}
        known = self._known(items, accounts)
        for item in items:
            account = accounts.get(item.key or "")
            if item.key in broken:
                verdict = Verdict(State.UNACCOUNTED, missing=BROKEN.format(item.key))
            elif account and self._vanished(item, account):
                verdict = Verdict(State.UNACCOUNTED, missing=SHARED)
            else:
                verdict = judge(item.entry, item.event, item.digest, account, known)
            if verdict.state is not State.ACCOUNTED:
                verdict = self._excused(verdict, item.entry, account, horizon)
            self._note(item.mark, verdict, item.place)

    def _is_accounted_for(self, mark: str) -> bool:
        known = self._verdicts.get(mark)
        return known is not None and known.state is State.ACCOUNTED

    def _vanished(self, item: Item, account: Account) -> bool:
        """Tell whether the ledger's entry, which does not say what its event asked for, is of
        another event of this source and id."""
        first = item.key or ""
        is_first = item.mark == first
        return not is_first and account.command is None and self._is_accounted_for(first)

    def _known(self, items: list[Item], accounts: dict[str, Account]) -> Known:
        letters: set[str] = set()
        for item in items:
            entry, account = item.entry, accounts.get(item.key or "")
            if account and account.command not in (None, item.digest):
                letters.add(reused_id(entry.topic, item.event))
            if account is None or account.disposition in LETTERED:
                topic = account.topic if account else entry.topic
                letters.update(letters_of(topic, item.event, entry.data))
        notices = {account.notice for account in accounts.values() if account.notice}
        return Known(
            _by_id(lambda ids: self._client.send(calls.look_up_dead_letters(ids)), letters),
            _by_id(lambda ids: self._client.send(calls.look_up_notices(ids)), notices),
        )

    def _excused(
        self, verdict: Verdict, entry: StreamEntry, account: Account | None, horizon: datetime
    ) -> Verdict:
        if not self._begun[entry.topic].acknowledged(entry.id):
            return stuck(account, self._begun[entry.topic], entry.id) or Verdict(State.OPEN)
        if account is None and entry.id[0] / 1000 < horizon.timestamp():
            return Verdict(State.FORGOTTEN)
        return verdict

    def _note(self, mark: str, verdict: Verdict, place: Place) -> None:
        before = self._verdicts.get(mark)
        if before is None or before.state <= verdict.state:
            self._verdicts[mark] = verdict
            if verdict.state is State.ACCOUNTED and not verdict.reused:
                self._places.pop(mark, None)
            else:
                self._places[mark] = place

    def _look_again(self) -> None:
        suspects = {
            mark: self._places[mark]
            for mark, verdict in self._verdicts.items()
            if verdict.state is State.UNACCOUNTED
        }
        for topic in AUDITED:
            ids = [(mark, place[1]) for mark, place in suspects.items() if place[0] is topic]
            for start in range(0, len(ids), PAGE):
                page = ids[start : start + PAGE]
                for mark, _ in page:
                    del self._verdicts[mark]
                self._take(self._streams.again(topic, [one for _, one in page]))

    def _look_on_the_way(self) -> None:
        """Look on the streams to the notifier for what it does not hold."""
        wanting = {m: v for m, v in self._verdicts.items() if v.state is State.WANTING}
        for topic, is_letter in ((Topic.DEAD_LETTERS, True), (Topic.COMPLETIONS, False)):
            mine = {m: v for m, v in wanting.items() if bool(v.attempts) is is_letter}
            if not mine:
                continue
            wanted = {one for verdict in mine.values() for one in verdict.wanted}
            last = self._streams.progress(topic).last
            found = find(self._streams, topic, wanted, last)
            forgotten_before = self._forgotten_before(topic)
            for mark, verdict in mine.items():
                hits = [found[one] for one in verdict.wanted if one in found]
                right = [one for one in hits if one.attempts >= verdict.attempts]
                missing = verdict.missing
                if any(kept_or_coming(m, self._begun[topic], forgotten_before) for m in right):
                    self._verdicts[mark] = replace(verdict, state=State.ACCOUNTED)
                    continue
                if right:
                    missing += " at the notifier, which had heard it"
                self._verdicts[mark] = Verdict(State.UNACCOUNTED, missing=missing)

    def _forgotten_before(self, topic: Topic) -> float | None:
        """Return when the newest record that the notifier forgot was last seen."""
        if topic is Topic.DEAD_LETTERS:
            return self._client.send(calls.look_up_dead_letters([])).forgotten_before
        return self._client.send(calls.look_up_notices([])).forgotten_before

    def _total(self, report: Report) -> None:
        oldest: int | None = None
        for mark, verdict in self._verdicts.items():
            report.events += 1
            topic, entry_id = self._places.get(mark, (Topic.REQUESTS, (0, 0)))
            match verdict.state:
                case State.ACCOUNTED:
                    report.dispositions[verdict.disposition] += 1
                    if verdict.reused:
                        report.reused.append(self._finding(topic, entry_id, REUSED))
                case State.OPEN:
                    report.open += 1
                    oldest = min(oldest or entry_id[0], entry_id[0])
                case State.FORGOTTEN:
                    report.forgotten += 1
                case _:
                    report.findings.append(self._finding(topic, entry_id, verdict.missing))
        report.oldest_open_s = None if oldest is None else round(time.time() - oldest / 1000, 1)

    def _finding(self, topic: Topic, entry_id: EntryId, missing: str) -> Unaccounted:
        source = event_id = None
        for entry in self._streams.again(topic, [entry_id]):
            event = read_entry(entry.data)
            source, event_id = event.source or None, event.id or None
        return Unaccounted(topic, named(entry_id), source, event_id, missing)

    def _look_for_deletions(self, report: Report) -> None:
        for topic in AUDITED:
            gone = self._streams.vanished(topic)
            if gone is None:
                report.blind.append(topic)
            elif gone:
                missing = f"{gone} entries were deleted from the stream, not by its trimmer"
                report.findings.append(Unaccounted(topic, None, None, None, missing, gone))


def _by_id(look_up: Callable[[list[str]], Found[Kept]], wanted: Iterable[str]) -> dict[str, Kept]:
    ids = sorted(wanted)
    found: dict[str, Kept] = {}
    for start in range(0, len(ids), PAGE):
        found |= {one.id: one for one in look_up(ids[start : start + PAGE]).items}
    return found
