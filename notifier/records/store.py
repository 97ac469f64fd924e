"""The notifier's records in Redis: bounded in number, one for each id, kept over restarts."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Generic

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.client import Pipeline

from contracts.records import DeadLetter, Notice
from notifier.records.journal import Journal
from notifier.records.shapes import R, Shape

PAGE = 200
_FORGET = """
local oldest = redis.call('ZRANGE', KEYS[1], 0, -ARGV[1] - 1, 'WITHSCORES')
local forgotten = tonumber(redis.call('GET', KEYS[3]) or '-inf')
for i = 1, #oldest, 2 do
  redis.call('ZREM', KEYS[1], oldest[i])
  redis.call('HDEL', KEYS[2], oldest[i])
  if tonumber(oldest[i + 1]) > forgotten then redis.call('SET', KEYS[3], oldest[i + 1]) end
end
"""
"""Removes the oldest records, in the transaction of `put`: two puts at once would remove twice."""


class RecentRecords(Generic[R]):
    """The newest records of one kind: a hash `id → JSON`, and a sorted set of ids by last seen.

    Deliveries call `find` and `put` on the event loop; pages read in threads.
    """

    def __init__(
        self,
        client: Redis,
        on_loop: AsyncRedis,
        name: str,
        keep: int,
        journal: Journal,
        shape: Shape[R],
    ) -> None:
        self._client = client
        self._on_loop = on_loop
        self._name = name
        self._journal = journal
        self._records = f"{journal.own_keys}{name}"
        self._order = f"{self._records}:order"
        self._forgotten = f"{self._records}:forgotten"
        self._keep = keep
        self._shape: Shape[R] = shape

    def get(self, record_id: str) -> R | None:
        text = self._client.hget(self._records, record_id)
        return self._shape.read(record_id, str(text)) if text else None

    async def find(self, record_id: str) -> R | None:
        """Return what `get` does, on the event loop."""
        text: Any = await self._on_loop.hget(self._records, record_id)
        return self._shape.read(record_id, str(text)) if text else None

    def get_many(self, record_ids: list[str]) -> list[R]:
        """Return the records among these ids that are kept."""
        if not record_ids:
            return []
        texts = self._client.hmget(self._records, record_ids)
        places = self._client.zmscore(self._order, record_ids)
        found = zip(record_ids, texts, places, strict=True)
        return [
            self._shape.read(n, str(text)) for n, text, place in found if text and place is not None
        ]

    def forgotten_before(self) -> float | None:
        """Return when the newest removed record was last seen; None if none was removed."""
        seen = self._client.get(self._forgotten)
        return float(str(seen)) if seen else None

    async def put(self, record: R, seen: datetime) -> None:
        """Keep a record, last seen at `seen`. It replaces a record of the same id."""
        async with self._on_loop.pipeline(transaction=True) as together:
            together.hset(self._records, record.id, _text(record))
            together.zadd(self._order, {record.id: seen.timestamp()}, gt=True)
            self._journal.note(together, self._name, record.id)
            together.eval(_FORGET, 3, self._order, self._records, self._forgotten, self._keep)
            await together.execute()

    def change(self, record_id: str, change: Callable[[R], R | None]) -> R | None:
        """Change a record atomically. Return the record after that, or None if there is none.

        `change` returns the new record, or None to leave it unchanged.
        """
        outcome: list[R | None] = [None]

        def attempt(together: Pipeline) -> None:
            text = together.hget(self._records, record_id)
            outcome[0] = self._shape.read(record_id, str(text)) if text else None
            changed = change(outcome[0]) if outcome[0] else None
            together.multi()
            if changed is not None:
                outcome[0] = changed
                together.hset(self._records, record_id, _text(changed))
                self._journal.note(together, self._name, record_id)

        self._client.transaction(attempt, self._records)
        return outcome[0]

    def newest(self, wanted: Callable[[R], bool], limit: int, offset: int = 0) -> list[R]:
        """Return up to `limit` `wanted` records, newest first, without the first `offset`."""
        return list(islice(filter(wanted, self.each()), offset, offset + limit))

    def count(self) -> int:
        return int(self._client.zcard(self._order))

    def each(self) -> Iterator[R]:
        """Yield every record, newest first."""
        start = 0
        while ids := self._client.zrevrange(self._order, start, start + PAGE - 1):
            names = [str(i) for i in ids]
            for name, text in zip(names, self._client.hmget(self._records, names), strict=True):
                if text:
                    yield self._shape.read(name, str(text))
            start += PAGE


def _text(record: Notice | DeadLetter) -> str:
    """Return a record as it is stored: without the fields that it was not given."""
    return record.model_dump_json(exclude_unset=True)
