"""The order in which the notifier's records changed, in Redis: what the live page follows.

Each change is an entry of a Redis stream, written in the transaction that makes the change: a crash
leaves both or neither. Its ids grow, over restarts too, so a browser goes on after the last it saw.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.client import Pipeline as AsyncPipeline
from redis.client import Pipeline

NAME = "usher:changes"
START = "0-0"
PATTERN = r"^[0-9]{1,19}(-[0-9]{1,19})?$"
"""What an id looks like."""
_BLOCK_MS = 1000


@dataclass(frozen=True)
class Change:
    """One record was kept or changed."""

    id: str
    shelf: str
    record_id: str


class Journal:
    """Written to by the shelves; read by whoever watches."""

    def __init__(self, client: Redis, url: str, keep: int, password: str | None = None) -> None:
        self._client = client
        self._url = url
        self._keep = keep
        self._password = password

    def note(self, together: Pipeline | AsyncPipeline, shelf: str, record_id: str) -> None:
        """Add a change to the transaction that makes it."""
        fields: dict[Any, Any] = {"shelf": shelf, "record": record_id}
        together.xadd(NAME, fields, maxlen=self._keep, approximate=True)

    def last(self) -> str:
        """Return the id of the newest change."""
        newest: Any = self._client.xrevrange(NAME, count=1)
        return str(newest[0][0]) if newest else START

    async def follow(self, after: str, stopped: Callable[[], bool]) -> AsyncIterator[Change]:
        """Yield every change after that id, also those to come, until told to stop.

        Raises `RedisError` when the store is away.
        """
        # A connection of its own: it is held for as long as somebody looks.
        redis = AsyncRedis.from_url(self._url, password=self._password, decode_responses=True)
        async with redis:
            while not stopped():
                found: Any = await redis.xread({NAME: after}, count=100, block=_BLOCK_MS)
                for after, fields in _entries(found):
                    yield Change(after, fields["shelf"], fields["record"])


def _entries(found: Any) -> list[tuple[str, dict[str, str]]]:
    """Return the entries of one stream, however the protocol's version wraps them."""
    if isinstance(found, dict):
        return [entry for pages in found.values() for page in pages for entry in page]
    return [entry for _, entries in found or [] for entry in entries]
