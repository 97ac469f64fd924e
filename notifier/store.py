"""The notifier's memory, in Redis: bounded, each record once, the same after a restart."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from redis import Redis
from redis.client import Pipeline

Record = dict[str, Any]
PAGE = 200


class Shelf:
    """One kind of record: a hash `id → JSON`, and a sorted set of the ids by when first seen."""

    def __init__(self, client: Redis, name: str, keep: int) -> None:
        self._client = client
        self._records = f"usher:{name}"
        self._order = f"usher:{name}:order"
        self._keep = keep

    def get(self, record_id: str) -> Record | None:
        text = self._client.hget(self._records, record_id)
        return json.loads(text) if text else None

    def put(self, record_id: str, record: str, seen: datetime) -> None:
        """Keep a record; one of the same id is replaced and keeps its place."""
        with self._client.pipeline(transaction=True) as together:
            together.hset(self._records, record_id, record)
            together.zadd(self._order, {record_id: seen.timestamp()}, nx=True)
            together.execute()
        self._forget_oldest()

    def change(self, record_id: str, change: Callable[[Record], Record | None]) -> Record | None:
        """Change a record while nobody else does; return it as it is then, None if there is none.

        `change` returns the record to keep, or None to leave it as it is.
        """
        outcome: list[Record | None] = [None]

        def attempt(together: Pipeline) -> None:
            text = together.hget(self._records, record_id)
            outcome[0] = json.loads(str(text)) if text else None
            changed = change(dict(outcome[0])) if outcome[0] else None
            together.multi()
            if changed is not None:
                outcome[0] = changed
                together.hset(self._records, record_id, json.dumps(changed))

        self._client.transaction(attempt, self._records)
        return outcome[0]

    def newest(self, wanted: Callable[[Record], bool], limit: int, offset: int = 0) -> list[Record]:
        """Return up to `limit` records that are `wanted`, newest first, after `offset` of them."""
        return list(islice(filter(wanted, self._all()), offset, offset + limit))

    def _all(self) -> Iterator[Record]:
        start = 0
        while ids := self._client.zrevrange(self._order, start, start + PAGE - 1):
            for text in self._client.hmget(self._records, [str(i) for i in ids]):
                if text:
                    yield json.loads(text)
            start += PAGE

    def _forget_oldest(self) -> None:
        surplus = self._client.zcard(self._order) - self._keep
        if surplus <= 0:
            return
        oldest = self._client.zrange(self._order, 0, surplus - 1)
        with self._client.pipeline(transaction=True) as together:
            together.hdel(self._records, *oldest)
            together.zrem(self._order, *oldest)
            together.execute()
