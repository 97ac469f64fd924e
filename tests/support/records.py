"""Records of the state store, read and changed past Dapr: one driver for each store."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg
from redis import Redis

from usher.stack.postgres import connection_string
from usher.stack.settings import StackSettings


class Records(Protocol):
    """The records that a stack keeps, by the key that daprd gives them."""

    def exists(self, key: str) -> bool: ...

    def without(self, key: str) -> "Any":
        """Take a record away, and put it back: a context manager."""

    def edited(self, key: str, **changes: Any) -> "Any":
        """Change members of a record's data, and undo it: a context manager."""


class RedisRecords:
    """daprd keeps a hash for each record, with `data` and `version`."""

    def __init__(self, client: Redis) -> None:
        """The client must not decode."""
        self._client = client

    def exists(self, key: str) -> bool:
        return bool(self._client.exists(key))

    @contextmanager
    def without(self, key: str) -> Iterator[None]:
        kept: Any = self._client.dump(key)
        left: Any = self._client.pttl(key)
        assert self._client.delete(key) == 1, key
        try:
            yield
        finally:
            self._client.restore(key, max(left, 0), kept)

    @contextmanager
    def edited(self, key: str, **changes: Any) -> Iterator[None]:
        text: Any = self._client.hget(key, "data")
        self._client.hset(key, "data", json.dumps({**json.loads(text), **changes}))
        try:
            yield
        finally:
            self._client.hset(key, "data", text)


class PostgresRecords:
    """daprd keeps a row for each record in the table `state`."""

    def __init__(self, settings: StackSettings) -> None:
        self._where = connection_string(settings.data_dir)

    def exists(self, key: str) -> bool:
        return bool(self._run("SELECT 1 FROM state WHERE key = %s", key))

    @contextmanager
    def without(self, key: str) -> Iterator[None]:
        self._rename(key, f"aside {key}")
        try:
            yield
        finally:
            self._rename(f"aside {key}", key)

    @contextmanager
    def edited(self, key: str, **changes: Any) -> Iterator[None]:
        ((held,),) = self._run("SELECT value FROM state WHERE key = %s", key)
        self._set(key, json.dumps({**json.loads(held), **changes}).encode())
        try:
            yield
        finally:
            self._set(key, held)

    def _rename(self, old: str, new: str) -> None:
        assert self._run("UPDATE state SET key = %s WHERE key = %s RETURNING key", new, old), old

    def _set(self, key: str, value: bytes) -> None:
        assert self._run("UPDATE state SET value = %s WHERE key = %s RETURNING key", value, key)

    def _run(self, statement: str, *values: Any) -> list[Any]:
        with psycopg.connect(self._where) as connection:
            return connection.execute(statement.encode(), values).fetchall()
