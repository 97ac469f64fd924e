"""Reads topics from Redis. Daprd makes a stream of each topic, and a consumer group of each app."""

from collections.abc import Iterable, Iterator
from typing import Any

from redis import Redis, ResponseError

from contracts.brokers import BrokerNames
from usher.audit.topic_reader import PAGE, STREAM, EntryId, Gone, Progress, StreamEntry

OFTEN = 100
"""Deliveries of one entry, some 10 s from one to the next: more, and it does not get served."""
BOOK = "usher:trimmed"
"""The hash in which who trims a stream writes how many entries went, and how many ever came."""
NO_STREAM = (
    "Redis has no stream of this name: nobody has subscribed to it, or the broker is another Redis"
)


class RedisStreams:
    """A `TopicReader`. Raises `RedisError`."""

    def __init__(self, client: Redis, names: BrokerNames) -> None:
        self._client = client
        self._names = names

    def unseen(self, topic: str) -> str | None:
        return None if self._client.exists(self._names.topic(topic)) else NO_STREAM

    def progress(self, topic: str, group: str) -> Progress:
        if self.unseen(topic):
            return Progress()
        stream, group = self._names.topic(topic), self._names.group(group)
        info: Any = self._client.xinfo_stream(stream)
        groups: Any = self._client.xinfo_groups(stream)
        found = [one for one in groups if one["name"].decode() == group]
        # The group's position first: what is given out after it is not taken for acknowledged.
        delivered = {STREAM: _numbered(found[0]["last-delivered-id"])} if found else {}
        given = dict(self._pending(stream, group)) if found else {}
        often = {entry: times for entry, times in given.items() if times > OFTEN}
        last = {STREAM: _numbered(info["last-generated-id"])}
        return Progress(last, delivered, frozenset(given), often)

    def pages(self, topic: str, upto: Progress) -> Iterator[list[StreamEntry]]:
        after = EntryId(0, 0)
        for last in upto.last.values():
            while page := self._range(topic, f"({after.name}", last.name):
                yield page
                after = page[-1].id

    def again(self, topic: str, ids: Iterable[EntryId]) -> list[StreamEntry]:
        pipe = self._client.pipeline(transaction=False)
        for one in ids:
            pipe.xrange(self._names.topic(topic), one.name, one.name)
        return [_entry(topic, *found) for answer in pipe.execute() for found in answer]

    def vanished(self, topic: str, _group: str) -> list[Gone] | None:
        """Return what left the stream past its trimmer; Redis before 7 cannot tell.

        A stream that was made anew lacks all that it once had.
        """
        stream = self._names.topic(topic)
        with self._client.pipeline(transaction=True) as at_once:
            at_once.hmget(BOOK, [f"{stream}:trimmed", f"{stream}:added"])
            at_once.xinfo_stream(stream)
            book, info = at_once.execute(raise_on_error=False)
        trimmed, once = (int(text or 0) for text in book)
        if isinstance(info, ResponseError):
            gone = once
        elif "entries-added" not in info:
            return None
        else:
            added = int(info["entries-added"])
            gone = once if added < once else max(added - trimmed - int(info["length"]), 0)
        return [Gone(gone, "entries were deleted from the stream, not by its trimmer")][: gone > 0]

    def _pending(self, stream: str, group: str) -> Iterator[tuple[EntryId, int]]:
        after = "-"
        while True:
            page: Any = self._client.xpending_range(stream, group, after, "+", PAGE)
            if not page:
                return
            given = [(_numbered(one["message_id"]), int(one["times_delivered"])) for one in page]
            yield from given
            after = f"({given[-1][0].name}"

    def _range(self, topic: str, first: str, last: str) -> list[StreamEntry]:
        found: Any = self._client.xrange(self._names.topic(topic), first, last, PAGE)
        return [_entry(topic, *one) for one in found]


def _numbered(name: bytes | str) -> EntryId:
    text = name.decode() if isinstance(name, bytes) else name
    time, _, number = text.partition("-")
    return EntryId(int(time), int(number or 0))


def _entry(topic: str, name: bytes, fields: dict[bytes, bytes] | None) -> StreamEntry:
    return StreamEntry(topic, _numbered(name), (fields or {}).get(b"data", b""))
