"""Walks the streams, an entry after the other, and says what nothing accounts for.

What is read first is what may only be overtaken: how far a group has come, then an entry, then the
ledger, then the notifier. So an event that is being served meanwhile is never taken for lost. What
looks lost is looked at a second time, since its traces are several reads.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from contracts import calls
from contracts.http import Account
from contracts.records import Found, Kept
from contracts.topics import READ_BY, Topic
from usher.audit.deletions import look_for_deletions
from usher.audit.messages import find, kept_or_coming
from usher.audit.naming import Listed, named
from usher.audit.readers import ReaderOf
from usher.audit.report import Report
from usher.audit.sources import Item, Place, Source, came, sources
from usher.audit.topic_reader import PAGE, EntryId, Progress, StreamEntry
from usher.audit.verdict import (
    BROKEN,
    LETTERED,
    REUSED,
    SHARED,
    Known,
    State,
    Verdict,
    judge,
    stuck,
)
from usher.client import Client

_NEARLY = timedelta(days=1)
"""The ledger's records of one event are not forgotten at the same moment."""


class Auditor:
    """One audit. Memory: some 300 bytes an event, and a page."""

    def __init__(
        self, reader_of: ReaderOf, client: Client, progress: Callable[[str], None]
    ) -> None:
        self._reader_of = reader_of
        self._client = client
        self._say = progress
        self._verdicts: dict[str, Verdict] = {}
        self._first: dict[str, str] = {}
        """What the first event of an identity asks for, by the identity's key."""
        self._places: dict[str, Place] = {}
        """Where an event is that is not accounted for, or not yet."""

    def run(self) -> Report:
        report = Report()
        self._sources, report.not_audited = sources(self._client.send(calls.routes()).items)
        topics = [source.topic for source in self._sources]
        whys = {topic: self._reader_of(topic).unseen(topic) for topic in topics}
        report.not_seen = {topic: why for topic, why in whys.items() if why}
        report.topics = [topic for topic in topics if topic not in report.not_seen]
        read = {*READ_BY.items(), *((one.topic, one.group) for one in self._sources)}
        self._begun = {one: self._progress(*one) for one in sorted(read)}
        for source in self._sources:
            for page in self._reader_of(source.topic).pages(source.topic, self._before(source)):
                items = [item for entry in page for item in source.items(entry)]
                found = [item for item in items if item]
                report.entries += len(found)
                report.unrouted += len(items) - len(found)
                self._take(source, found)
                self._say(f"{report.entries} entries")
        self._look_again()
        self._look_on_the_way()
        self._total(report)
        look_for_deletions(report, self._reader_of)
        return report

    def _before(self, source: Source) -> Progress:
        """Return how far the group of a source had come at the beginning."""
        return self._begun[source.topic, source.group]

    def _progress(self, topic: str, group: str) -> Progress:
        return self._reader_of(topic).progress(topic, group)

    def _take(self, source: Source, found: Iterable[Item]) -> None:
        items: list[Item] = []
        for item in found:
            key, digest = item.key, item.digest
            if key and self._first.setdefault(key, digest) != digest:
                item = replace(item, mark=f"{key} {digest}")
            if not self._is_accounted_for(item.mark):
                items.append(item)
        for start in range(0, len(items), PAGE):
            self._judge(source, items[start : start + PAGE])

    def _judge(self, source: Source, items: list[Item]) -> None:
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
                verdict = judge(item, account, known)
            if verdict.state is not State.ACCOUNTED:
                verdict = self._excused(verdict, source, item.entry.id, account, horizon)
            self._note(item.mark, verdict, Place(source, item.entry.id))

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
            account = accounts.get(item.key or "")
            if account and account.command not in (None, item.digest):
                letters.add(item.reused_letter)
            if account is None or account.disposition in LETTERED:
                letters.update(item.letters(account.topic if account else None))
        notices = {account.notice for account in accounts.values() if account.notice}
        return Known(
            _by_id(lambda ids: self._client.send(calls.look_up_dead_letters(ids)), letters),
            _by_id(lambda ids: self._client.send(calls.look_up_notices(ids)), notices),
        )

    def _excused(
        self,
        verdict: Verdict,
        source: Source,
        entry: EntryId,
        account: Account | None,
        horizon: datetime,
    ) -> Verdict:
        begun = self._before(source)
        if not begun.acknowledged(entry):
            return stuck(account, begun, entry) or Verdict(State.OPEN)
        if account is None and came(entry) < horizon.timestamp():
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
        for source in self._sources:
            ids = [(mark, one.entry) for mark, one in suspects.items() if one.source is source]
            for start in range(0, len(ids), PAGE):
                page = ids[start : start + PAGE]
                for mark, _ in page:
                    del self._verdicts[mark]
                entries = self._again(source, dict.fromkeys(one for _, one in page))
                found = (item for entry in entries for item in source.items(entry))
                self._take(source, filter(None, found))

    def _look_on_the_way(self) -> None:
        """Look on the streams to the notifier for what it does not hold."""
        wanting = {m: v for m, v in self._verdicts.items() if v.state is State.WANTING}
        for topic, is_letter in ((Topic.DEAD_LETTERS, True), (Topic.COMPLETIONS, False)):
            mine = {m: v for m, v in wanting.items() if bool(v.attempts) is is_letter}
            if not mine:
                continue
            wanted = {one for verdict in mine.values() for one in verdict.wanted}
            begun = self._begun[topic, READ_BY[topic]]
            upto = self._progress(topic, READ_BY[topic])
            found = find(self._reader_of(topic), topic, wanted, upto)
            forgotten_before = self._forgotten_before(topic)
            for mark, verdict in mine.items():
                hits = [found[one] for one in verdict.wanted if one in found]
                right = [one for one in hits if one.attempts >= verdict.attempts]
                missing = verdict.missing
                if any(kept_or_coming(m, begun, forgotten_before) for m in right):
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
        oldest: float | None = None
        listed: list[Listed] = []
        reused: list[Listed] = []
        for mark, verdict in self._verdicts.items():
            report.events += 1
            place = self._places.get(mark)
            match verdict.state:
                case State.ACCOUNTED:
                    report.dispositions[verdict.disposition] += 1
                    if verdict.reused and place:
                        reused.append((mark, place, REUSED))
                case State.OPEN if place:
                    report.open += 1
                    oldest = min(oldest or came(place.entry), came(place.entry))
                case State.FORGOTTEN:
                    report.forgotten += 1
                case State.BEFORE_CHANGE:
                    report.before_change += 1
                case _ if place:
                    listed.append((mark, place, verdict.missing))
        report.findings = named(listed, self._sources, self._reader_of)
        report.reused = named(reused, self._sources, self._reader_of)
        report.oldest_open_s = None if oldest is None else round(time.time() - oldest, 1)

    def _again(self, source: Source, ids: Iterable[EntryId]) -> list[StreamEntry]:
        return self._reader_of(source.topic).again(source.topic, ids)


def _by_id(look_up: Callable[[list[str]], Found[Kept]], wanted: Iterable[str]) -> dict[str, Kept]:
    ids = sorted(wanted)
    found: dict[str, Kept] = {}
    for start in range(0, len(ids), PAGE):
        found |= {one.id: one for one in look_up(ids[start : start + PAGE]).items}
    return found
