"""The notifier's records in Postgres. A change is one transaction: a crash leaves all or none."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from hashlib import sha256
from itertools import count, islice
from typing import Any, Generic

from notifier.records.database import Connection, Database
from notifier.records.shapes import DEAD_LETTERS, NOTICES, R, Shape
from notifier.records.store import PAGE, START, Change, StoreUnavailable, stored

_LOOK_SECONDS = 0.5
"""Interval at which a reader of the journal looks for changes."""
_PROBE_SECONDS = 5

_PROBE = """
INSERT INTO usher_probe VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET at = excluded.at
"""
_KEEP = """
INSERT INTO usher_records AS held VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (kind, key) DO UPDATE
SET body = excluded.body, seen = greatest(held.seen, excluded.seen)
"""
_FORGET = """
WITH gone AS (
    DELETE FROM usher_records WHERE kind = %(kind)s AND key IN (
        SELECT key FROM usher_records WHERE kind = %(kind)s
        ORDER BY seen DESC, key DESC OFFSET %(keep)s
    ) RETURNING seen
)
INSERT INTO usher_forgotten AS held SELECT %(kind)s, max(seen) FROM gone HAVING count(*) > 0
ON CONFLICT (kind) DO UPDATE SET seen = greatest(held.seen, excluded.seen)
"""
_PAGE = """
SELECT seen, key, id, body FROM usher_records WHERE kind = %s AND (seen, key) < (%s, %s)
ORDER BY seen DESC, key DESC LIMIT %s
"""
_NOTE = """
INSERT INTO usher_changes SELECT greatest(
    coalesce(max(id), 0) + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
), %s, %s FROM usher_changes
"""
"""Adds a change. Its id is a time, so that ids grow even if the table was emptied."""
_FORGET_CHANGES = """
DELETE FROM usher_changes WHERE id <= (SELECT id FROM usher_changes ORDER BY id DESC
OFFSET %s LIMIT 1)
"""


class PostgresStore:
    """Notices, dead letters and their change log."""

    def __init__(self, where: str, keep: int) -> None:
        """`where` is a connection string."""
        self._database = database = Database(where)
        self.journal = PostgresJournal(database, 2 * keep)
        self.notices = PostgresRecords(database, "notices", keep, self.journal, NOTICES)
        self.dead_letters = PostgresRecords(
            database, "dead-letters", keep, self.journal, DEAD_LETTERS
        )

    async def answers(self) -> bool:
        return await self._why_not("SELECT 1") is None

    async def refuses(self) -> str | None:
        return await self._why_not(_PROBE)

    async def close(self) -> None:
        self._database.close()

    async def _why_not(self, statement: str) -> str | None:
        """Return why a statement cannot be executed now; None if it can."""

        def attempt() -> None:
            with self._database.connection() as connection:
                connection.execute(statement)

        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await asyncio.to_thread(attempt)
        except StoreUnavailable as error:
            return str(error)
        except TimeoutError:
            return f"Postgres does not answer within {_PROBE_SECONDS} s"
        return None


class PostgresJournal:
    """The change log. Record stores write it; readers of `/stream` look at it twice a second."""

    def __init__(self, database: Database, keep: int) -> None:
        self._database = database
        self._keep = keep

    def note(self, together: Connection, store: str, record_id: str) -> None:
        """Add a change to the transaction that makes it."""
        together.execute(_NOTE, (store, json.dumps(record_id)))

    def forget(self, together: Connection) -> None:
        """Remove the oldest changes."""
        together.execute(_FORGET_CHANGES, (self._keep,))

    def last(self) -> str:
        with self._database.connection() as connection:
            found = connection.execute("SELECT max(id) FROM usher_changes").fetchone()
        return str(found[0]) if found and found[0] else START

    async def follow(self, after: str, stopped: Callable[[], bool]) -> AsyncIterator[Change]:
        seen = int(after.partition("-")[0])
        while not stopped():
            found = await asyncio.to_thread(self._since, seen)
            for seen, store, record_id in found:
                yield Change(str(seen), store, json.loads(record_id))
            if not found:
                await asyncio.sleep(_LOOK_SECONDS)

    def _since(self, seen: int) -> list[tuple[Any, ...]]:
        with self._database.connection() as connection:
            return connection.execute(
                "SELECT id, kind, record FROM usher_changes WHERE id > %s ORDER BY id LIMIT 100",
                (seen,),
            ).fetchall()


class PostgresRecords(Generic[R]):
    """The newest records of one kind. They are counted, and the oldest removed, now and then."""

    def __init__(
        self,
        database: Database,
        name: str,
        keep: int,
        journal: PostgresJournal,
        shape: Shape[R],
    ) -> None:
        self._database = database
        self._name = name
        self._keep = keep
        self._journal = journal
        self._shape: Shape[R] = shape
        self._puts = count()
        self._forgets_every = keep // 100 + 1
        """Counting reads all keys, so up to 1 % more than `keep` are kept meanwhile."""

    def get(self, record_id: str) -> R | None:
        with self._database.connection() as connection:
            return self._read(connection, record_id)

    async def find(self, record_id: str) -> R | None:
        return await asyncio.to_thread(self.get, record_id)

    def get_many(self, record_ids: list[str]) -> list[R]:
        by_key: dict[str, str] = {_key(record_id): record_id for record_id in record_ids}
        with self._database.connection() as connection:
            found = connection.execute(
                "SELECT key, body FROM usher_records WHERE kind = %s AND key = ANY(%s)",
                (self._name, [*by_key]),
            ).fetchall()
        bodies = dict(found)
        kept = [(one, bodies[key]) for key, one in by_key.items() if key in bodies]
        return [self._shape.read(record_id, body) for record_id, body in kept]

    def forgotten_before(self) -> float | None:
        found = self._one("SELECT seen FROM usher_forgotten WHERE kind = %s")
        return float(found[0]) if found else None

    async def put(self, record: R, seen: datetime) -> None:
        await asyncio.to_thread(self._put, record, seen)

    def _put(self, record: R, seen: datetime) -> None:
        key, name = _key(record.id), json.dumps(record.id)
        with self._database.changing() as together:
            held = (self._name, key, name, seen.timestamp(), stored(record))
            together.execute(_KEEP, held)
            self._journal.note(together, self._name, record.id)
            if next(self._puts) % self._forgets_every == 0:
                together.execute(_FORGET, {"kind": self._name, "keep": self._keep})
                self._journal.forget(together)

    def change(self, record_id: str, change: Callable[[R], R | None]) -> R | None:
        with self._database.changing() as together:
            found = self._read(together, record_id)
            changed = change(found) if found else None
            if changed is None:
                return found
            together.execute(
                "UPDATE usher_records SET body = %s WHERE kind = %s AND key = %s",
                (stored(changed), self._name, _key(record_id)),
            )
            self._journal.note(together, self._name, record_id)
            return changed

    def newest(self, wanted: Callable[[R], bool], limit: int, offset: int = 0) -> list[R]:
        return list(islice(filter(wanted, self.each()), offset, offset + limit))

    def count(self) -> int:
        found = self._one("SELECT count(*) FROM usher_records WHERE kind = %s")
        return int(found[0]) if found else 0

    def each(self) -> Iterator[R]:
        after: tuple[float, str] = (float("inf"), "")
        while True:
            with self._database.connection() as connection:
                values = (self._name, *after, PAGE)
                found = connection.execute(_PAGE, values).fetchall()
            for *_, name, body in found:
                yield self._shape.read(json.loads(name), body)
            if len(found) < PAGE:
                return
            after = found[-1][0], found[-1][1]

    def _read(self, connection: Connection, record_id: str) -> R | None:
        found = connection.execute(
            "SELECT body FROM usher_records WHERE kind = %s AND key = %s",
            (self._name, _key(record_id)),
        ).fetchone()
        return self._shape.read(record_id, found[0]) if found else None

    def _one(self, statement: str) -> tuple[Any, ...] | None:
        with self._database.connection() as connection:
            return connection.execute(statement, (self._name,)).fetchone()


def _key(record_id: str) -> str:
    return sha256(record_id.encode("utf-8", "surrogatepass")).hexdigest()
