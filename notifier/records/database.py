"""Postgres of the notifier's records: its connections, and its tables, made at the first use.

The tables are where the connection's user creates tables by default, as those of daprd are.
"""

import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from notifier.records.store import StoreUnavailable

Connection = psycopg.Connection[tuple[Any, ...]]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS usher_records (
    kind text NOT NULL,
    key text NOT NULL,                 -- digest of the id, as an id may be too long for an index
    id text NOT NULL,                  -- a JSON string, as an id may hold what text may not
    seen double precision NOT NULL,    -- when it was last seen, in seconds since 1970
    body text NOT NULL,                -- JSON
    PRIMARY KEY (kind, key)
);
CREATE INDEX IF NOT EXISTS usher_records_by_seen ON usher_records (kind, seen, key);
CREATE TABLE IF NOT EXISTS usher_forgotten (kind text PRIMARY KEY, seen double precision NOT NULL);
CREATE TABLE IF NOT EXISTS usher_changes (id bigint PRIMARY KEY, kind text, record text);
CREATE TABLE IF NOT EXISTS usher_probe (id int PRIMARY KEY, at timestamptz NOT NULL);
"""
_LOCK = "SELECT pg_advisory_xact_lock(7524601)"
"""One change at a time. So the ids of changes grow in the order in which readers see them."""
_SECONDS = 5
_MOST = 8
"""Connections at once."""


class Database:
    """Connections to Postgres. Every error is a `StoreUnavailable` with a message of one line."""

    def __init__(self, where: str) -> None:
        """`where` is a connection string of libpq."""
        self._where = where
        self._free: queue.LifoQueue[Connection | None] = queue.LifoQueue()
        for _ in range(_MOST):
            self._free.put(None)
        self._has_tables = False

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Give a connection that commits each statement."""
        try:
            held = self._free.get(timeout=_SECONDS)
        except queue.Empty:
            raise StoreUnavailable("all connections to Postgres are in use") from None
        try:
            held = held if held and _works(held) else self._connect()
            yield held
        except psycopg.Error as error:
            does = "refuses" if error.sqlstate else "does not answer"
            raise StoreUnavailable(f"Postgres {does}: {' '.join(str(error).split())}") from error
        finally:
            self._free.put(None if held is None or held.closed else held)

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """Give a connection in a transaction of its own; no other changes anything meanwhile."""
        with self.connection() as held, held.transaction():
            held.execute(_LOCK)
            yield held

    def close(self) -> None:
        """Close the connections that are not in use."""
        with suppress(queue.Empty):
            while True:
                if held := self._free.get_nowait():
                    held.close()

    def _connect(self) -> Connection:
        # Nothing is prepared, so that a pooler such as PgBouncer may stand between.
        made = psycopg.connect(
            self._where,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=_SECONDS,
            tcp_user_timeout=_SECONDS * 1000,
        )
        made.execute(f"SET statement_timeout = '{_SECONDS}s'")
        if not self._has_tables:
            _make_tables(made)
            self._has_tables = True
        return made


def _make_tables(connection: Connection) -> None:
    """Make the tables if they are missing. A user who may make none may use those that exist."""
    with connection.transaction():
        connection.execute(_LOCK)  # CREATE IF NOT EXISTS fails if two do it at once
        if connection.execute("SELECT to_regclass('usher_probe')").fetchone() == (None,):
            connection.execute(_SCHEMA)


def _works(held: Connection) -> bool:
    """Return whether a connection still works. It does not after a restart of Postgres."""
    try:
        held.execute("SELECT 1")
    except psycopg.Error:
        held.close()
        return False
    return True
