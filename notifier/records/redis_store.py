"""The notifier's records in Redis: bounded in number, one for each id, kept over restarts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Generic

from redis import Redis, RedisError
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.client import Pipeline as AsyncPipeline
from redis.client import Pipeline

from chassis.redis_faults import one_line
from chassis.redis_settings import RedisAddress
from contracts.topics import OWN_KEYS
from notifier.records.shapes import DEAD_LETTERS, NOTICES, R, Shape
from notifier.records.store import PAGE, START, Change, stored

_SECONDS = 5
_PROBE = "usher:probe"
_BLOCK_MS = 1000
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


class RedisStore:
    """Notices, dead letters and their change log, a stream."""

    def __init__(self, address: RedisAddress, keep: int, own_keys: str = OWN_KEYS) -> None:
        """All keys begin with `own_keys`."""
        self._address = address
        options = {**address.options(), "decode_responses": True, "socket_timeout": _SECONDS}
        both = self._client, self._on_loop = Redis(**options), AsyncRedis(**options)
        # The other clients try again for some seconds.
        self._probe = Redis(**address.probe_options(), socket_timeout=_SECONDS)
        self.journal = RedisJournal(
            self._client, partial(AsyncRedis, **options), 2 * keep, own_keys
        )
        self.notices = RedisRecords(*both, "notices", keep, self.journal, NOTICES)
        self.dead_letters = RedisRecords(*both, "dead-letters", keep, self.journal, DEAD_LETTERS)

    async def answers(self) -> bool:
        """Return whether Redis answers."""
        try:
            await asyncio.to_thread(self._probe.ping)
        except RedisError:
            return False
        return True

    async def refuses(self) -> str | None:
        """Return why Redis takes no write, which only a write shows."""
        try:
            await asyncio.to_thread(self._probe.set, _PROBE, "1", ex=60)
        except RedisError as error:
            return one_line(error, self._address)
        return None

    async def close(self) -> None:
        await self._on_loop.aclose()
        self._probe.close()
        self._client.close()


class RedisJournal:
    """The change log. Record stores write it; readers of `/stream` follow it."""

    def __init__(
        self, client: Redis, connect: Callable[[], AsyncRedis], keep: int, own_keys: str
    ) -> None:
        self.own_keys = own_keys
        self._name = f"{own_keys}changes"
        self._client = client
        self._connect = connect
        self._keep = keep

    def note(self, together: Pipeline | AsyncPipeline, store: str, record_id: str) -> None:
        """Add a change to the transaction that makes it."""
        fields: dict[Any, Any] = {"shelf": store, "record": record_id}
        together.xadd(self._name, fields, maxlen=self._keep, approximate=True)

    def last(self) -> str:
        newest: Any = self._client.xrevrange(self._name, count=1)
        return str(newest[0][0]) if newest else START

    async def follow(self, after: str, stopped: Callable[[], bool]) -> AsyncIterator[Change]:
        # A connection of its own, as it is held for as long as a reader follows.
        async with self._connect() as redis:
            while not stopped():
                found: Any = await redis.xread({self._name: after}, count=100, block=_BLOCK_MS)
                for after, fields in _entries(found):
                    yield Change(after, fields["shelf"], fields["record"])


class RedisRecords(Generic[R]):
    """The newest records of one kind: a hash `id → JSON`, and a sorted set of ids by last seen."""

    def __init__(
        self,
        client: Redis,
        on_loop: AsyncRedis,
        name: str,
        keep: int,
        journal: RedisJournal,
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
        text: Any = await self._on_loop.hget(self._records, record_id)
        return self._shape.read(record_id, str(text)) if text else None

    def get_many(self, record_ids: list[str]) -> list[R]:
        if not record_ids:
            return []
        texts = self._client.hmget(self._records, record_ids)
        places = self._client.zmscore(self._order, record_ids)
        found = zip(record_ids, texts, places, strict=True)
        return [
            self._shape.read(n, str(text)) for n, text, place in found if text and place is not None
        ]

    def forgotten_before(self) -> float | None:
        seen = self._client.get(self._forgotten)
        return float(str(seen)) if seen else None

    async def put(self, record: R, seen: datetime) -> None:
        async with self._on_loop.pipeline(transaction=True) as together:
            together.hset(self._records, record.id, stored(record))
            together.zadd(self._order, {record.id: seen.timestamp()}, gt=True)
            self._journal.note(together, self._name, record.id)
            together.eval(_FORGET, 3, self._order, self._records, self._forgotten, self._keep)
            await together.execute()

    def change(self, record_id: str, change: Callable[[R], R | None]) -> R | None:
        outcome: list[R | None] = [None]

        def attempt(together: Pipeline) -> None:
            text = together.hget(self._records, record_id)
            outcome[0] = self._shape.read(record_id, str(text)) if text else None
            changed = change(outcome[0]) if outcome[0] else None
            together.multi()
            if changed is not None:
                outcome[0] = changed
                together.hset(self._records, record_id, stored(changed))
                self._journal.note(together, self._name, record_id)

        self._client.transaction(attempt, self._records)
        return outcome[0]

    def newest(self, wanted: Callable[[R], bool], limit: int, offset: int = 0) -> list[R]:
        return list(islice(filter(wanted, self.each()), offset, offset + limit))

    def count(self) -> int:
        return int(self._client.zcard(self._order))

    def each(self) -> Iterator[R]:
        start = 0
        while ids := self._client.zrevrange(self._order, start, start + PAGE - 1):
            names = [str(i) for i in ids]
            for name, text in zip(names, self._client.hmget(self._records, names), strict=True):
                if text:
                    yield self._shape.read(name, str(text))
            start += PAGE


def _entries(found: Any) -> list[tuple[str, dict[str, str]]]:
    """Return the entries of one stream, in either version of the Redis protocol."""
    if isinstance(found, dict):
        return [entry for pages in found.values() for page in pages for entry in page]
    return [entry for _, entries in found or [] for entry in entries]
