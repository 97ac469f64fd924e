"""Reads the broker's streams for the audit: their entries in pages, and what a group has of them.

Daprd makes one stream a topic, of the topic's name, and one consumer group an app, of the app's id.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from redis import Redis, ResponseError

PAGE = 1000
OFTEN = 100
"""Deliveries of one entry, some 10 s from one to the next: more, and it does not get served."""
BOOK = "usher:trimmed"
"""The hash in which who trims a stream writes how many entries went, and how many ever came."""

EntryId = tuple[int, int]


@dataclass(frozen=True)
class StreamEntry:
    """One entry of a stream."""

    topic: str
    id: EntryId
    data: bytes

    @property
    def name(self) -> str:
        return named(self.id)


@dataclass(frozen=True)
class Progress:
    """How far a group of a topic had come when it was asked."""

    last: EntryId
    """The newest entry there was."""
    delivered: EntryId | None
    """The newest entry that the group had been given; None where there is no such group."""
    pending: frozenset[EntryId]
    """Given, and not acknowledged."""
    often: Mapping[EntryId, int] = field(default_factory=dict)
    """How often, of those that were given more than `OFTEN` times."""

    def acknowledged(self, entry: EntryId) -> bool:
        given = self.delivered is not None and entry <= self.delivered
        return given and entry not in self.pending


class Streams:
    """Reads only. Raises `RedisError`."""

    def __init__(self, client: Redis, elsewhere: Mapping[str, str] | None = None) -> None:
        self._client = client
        self.elsewhere = elsewhere or {}
        """Topics on other brokers, with the broker's type: a stream of that name is not theirs."""

    def has(self, topic: str) -> bool:
        """Return whether Redis has the stream of a topic."""
        return topic not in self.elsewhere and bool(self._client.exists(topic))

    def progress(self, topic: str, group: str) -> Progress:
        """Return how far a group has come. What is acknowledged by this was so before."""
        if not self.has(topic):
            return Progress((0, 0), None, frozenset())
        info: Any = self._client.xinfo_stream(topic)
        groups: Any = self._client.xinfo_groups(topic)
        found = [one for one in groups if one["name"].decode() == group]
        # The group's position first: what is given out after it is not taken for acknowledged.
        delivered = numbered(found[0]["last-delivered-id"]) if found else None
        given = dict(self._pending(topic, group)) if found else {}
        often = {entry: times for entry, times in given.items() if times > OFTEN}
        last = numbered(info["last-generated-id"])
        return Progress(last, delivered, frozenset(given), often)

    def pages(self, topic: str, last: EntryId) -> Iterator[list[StreamEntry]]:
        """Yield the entries up to `last`, oldest first."""
        after: EntryId = (0, 0)
        if topic in self.elsewhere:
            return
        while page := self._range(topic, f"({named(after)}", named(last)):
            yield page
            after = page[-1].id

    def again(self, topic: str, ids: Iterable[EntryId]) -> list[StreamEntry]:
        """Return those of the entries that are still there."""
        pipe = self._client.pipeline(transaction=False)
        for one in ids:
            pipe.xrange(topic, named(one), named(one))
        return [_entry(topic, *found) for answer in pipe.execute() for found in answer]

    def vanished(self, topic: str) -> int | None:
        """Return how many entries left a stream past its trimmer; None where Redis before 7
        cannot tell. A stream that was made anew lacks all that it once had."""
        if topic in self.elsewhere:
            return None
        with self._client.pipeline(transaction=True) as at_once:
            at_once.hmget(BOOK, [f"{topic}:trimmed", f"{topic}:added"])
            at_once.xinfo_stream(topic)
            book, info = at_once.execute(raise_on_error=False)
        trimmed, once = (int(text or 0) for text in book)
        if isinstance(info, ResponseError):
            return once
        if "entries-added" not in info:
            return None
        added = int(info["entries-added"])
        return once if added < once else max(added - trimmed - int(info["length"]), 0)

    def _pending(self, topic: str, group: str) -> Iterator[tuple[EntryId, int]]:
        after = "-"
        while True:
            page: Any = self._client.xpending_range(topic, group, after, "+", PAGE)
            if not page:
                return
            given = [(numbered(one["message_id"]), int(one["times_delivered"])) for one in page]
            yield from given
            after = f"({named(given[-1][0])}"

    def _range(self, topic: str, first: str, last: str) -> list[StreamEntry]:
        found: Any = self._client.xrange(topic, first, last, PAGE)
        return [_entry(topic, *one) for one in found]


def named(entry: EntryId) -> str:
    return f"{entry[0]}-{entry[1]}"


def numbered(name: bytes | str) -> EntryId:
    text = name.decode() if isinstance(name, bytes) else name
    time, _, number = text.partition("-")
    return int(time), int(number or 0)


def _entry(topic: str, name: bytes, fields: dict[bytes, bytes] | None) -> StreamEntry:
    return StreamEntry(topic, numbered(name), (fields or {}).get(b"data", b""))
