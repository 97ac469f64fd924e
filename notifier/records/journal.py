"""The change log of the notifier's records, a Redis stream that the live page follows.

A change is written in the transaction that makes it, so a crash leaves both or neither. Ids grow,
also over restarts, so a browser continues after the last id that it saw.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.client import Pipeline as AsyncPipeline
from redis.client import Pipeline

START = "0-0"
PATTERN = r"^[0-9]{1,19}(-[0-9]{1,19})?$"
"""The pattern of an id."""
_BLOCK_MS = 1000


@dataclass(frozen=True)
class Change:
    """A record that was added or changed."""

    id: str
    store: str
    record_id: str


class Journal:
    """The change log. Record stores write it; readers of `/stream` follow it."""

    def __init__(
        self, client: Redis, url: str, keep: int, own_keys: str, password: str | None = None
    ) -> None:
        """`own_keys` is how the keys of all records begin."""
        self.own_keys = own_keys
        self._name = f"{own_keys}changes"
        self._client = client
        self._url = url
        self._keep = keep
        self._password = password

    def note(self, together: Pipeline | AsyncPipeline, store: str, record_id: str) -> None:
        """Add a change to the transaction that makes it."""
        fields: dict[Any, Any] = {"shelf": store, "record": record_id}
        together.xadd(self._name, fields, maxlen=self._keep, approximate=True)

    def last(self) -> str:
        """Return the id of the newest change."""
        newest: Any = self._client.xrevrange(self._name, count=1)
        return str(newest[0][0]) if newest else START

    async def follow(self, after: str, stopped: Callable[[], bool]) -> AsyncIterator[Change]:
        """Yield every change after the id `after`, also future ones, until `stopped` is true.

        Raises `RedisError` when Redis is away.
        """
        # A connection of its own, as it is held for as long as a reader follows.
        redis = AsyncRedis.from_url(self._url, password=self._password, decode_responses=True)
        async with redis:
            while not stopped():
                found: Any = await redis.xread({self._name: after}, count=100, block=_BLOCK_MS)
                for after, fields in _entries(found):
                    yield Change(after, fields["shelf"], fields["record"])


def _entries(found: Any) -> list[tuple[str, dict[str, str]]]:
    """Return the entries of one stream, in either version of the Redis protocol."""
    if isinstance(found, dict):
        return [entry for pages in found.values() for page in pages for entry in page]
    return [entry for _, entries in found or [] for entry in entries]
