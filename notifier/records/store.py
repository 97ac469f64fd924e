"""What a store of the notifier's records does, whichever server it keeps them in."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from redis import RedisError

from contracts.records import DeadLetter, Notice
from notifier.records.shapes import R

START = "0-0"
PATTERN = r"^[0-9]{1,19}(-[0-9]{1,19})?$"
"""The pattern of the id of a change."""
PAGE = 200
"""How many records `each` reads at once."""


class StoreUnavailable(Exception):
    """Postgres does not answer, or refuses what it is asked for. The message is one line."""


UNAVAILABLE = (RedisError, StoreUnavailable)
"""The errors of a store that cannot be used now."""


@dataclass(frozen=True)
class Change:
    """A record that was added or changed."""

    id: str
    store: str
    record_id: str


class RecentRecords(Protocol[R]):
    """The newest records of one kind, one for each id. Methods raise `UNAVAILABLE`.

    Deliveries call `find` and `put` on the event loop; pages read in threads.
    """

    def get(self, record_id: str) -> R | None: ...

    async def find(self, record_id: str) -> R | None:
        """Return what `get` does, on the event loop."""

    def get_many(self, record_ids: list[str]) -> list[R]:
        """Return the records among these ids that are kept."""

    def forgotten_before(self) -> float | None:
        """Return when the newest removed record was last seen; None if none was removed."""

    async def put(self, record: R, seen: datetime) -> None:
        """Keep a record, last seen at `seen`. It replaces a record of the same id."""

    def change(self, record_id: str, change: Callable[[R], R | None]) -> R | None:
        """Change a record atomically. Return the record after that, or None if there is none.

        `change` returns the new record, or None to leave it unchanged.
        """

    def newest(self, wanted: Callable[[R], bool], limit: int, offset: int = 0) -> list[R]:
        """Return up to `limit` `wanted` records, newest first, without the first `offset`."""

    def count(self) -> int: ...

    def each(self) -> Iterator[R]:
        """Yield every record, newest first."""


class Journal(Protocol):
    """The change log, which the live page follows. Methods raise `UNAVAILABLE`.

    A change is written in the transaction that makes it, so a crash leaves both or neither. Ids
    grow, also over restarts, so a browser continues after the last id that it saw.
    """

    def last(self) -> str:
        """Return the id of the newest change."""

    def follow(self, after: str, stopped: Callable[[], bool]) -> AsyncIterator[Change]:
        """Yield every change after the id `after`, also future ones, until `stopped` is true."""


class Store(Protocol):
    """All that the notifier keeps."""

    @property
    def notices(self) -> RecentRecords[Notice]: ...

    @property
    def dead_letters(self) -> RecentRecords[DeadLetter]: ...

    @property
    def journal(self) -> Journal: ...

    async def answers(self) -> bool:
        """Return whether the server answers: only then may the sidecar deliver."""

    async def refuses(self) -> str | None:
        """Return why no record can be kept now; None if it can."""

    async def close(self) -> None: ...


def stored(record: Notice | DeadLetter) -> str:
    """Return a record as it is stored: JSON without the fields that it was not given.

    It is ASCII, so any database takes it.
    """
    return record.model_dump_json(exclude_unset=True, ensure_ascii=True)
