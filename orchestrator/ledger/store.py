"""The state store as the protocols need it: create once, read, replace what was read.

Every write of a key says first-write, which makes a create without an etag atomic: of many at
once, one wins. The store reports a lost race and a lost connection alike, so after any error the
key is read, and what is there decides.
"""

import json
import uuid
from collections.abc import Iterable
from typing import Any

import structlog
from dapr.aio.clients import DaprClient
from dapr.clients.exceptions import DaprInternalError
from dapr.clients.grpc._state import Concurrency, Consistency, StateOptions
from grpc import RpcError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_fixed

from contracts.topics import LEDGER_STORE

Record = dict[str, Any]
Read = dict[str, tuple[Record, str]]
"""Records that are there, with their etags, by key."""

_FIRST_WRITE = StateOptions(concurrency=Concurrency.first_write, consistency=Consistency.strong)
_PROBE = {"ttlInSeconds": "60"}
_AT_ONCE = 200
_WRONG_KIND = "WRONGTYPE"
"""What Redis says of a key that holds a list, a set or the like."""
_WRITE = "write"
"""In each record, what tells one write from another of the same content."""

_log = structlog.get_logger()


class BrokenRecord(Exception):
    """A record is not as Usher writes it. Says nothing of any other record."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"the record {key!r} of the state store is broken: {why}")


class Store:
    """Records by key, each kept for `ttl_seconds` after it was first written."""

    def __init__(self, client: DaprClient, ttl_seconds: int) -> None:
        self._client = client
        self._kept = {"ttlInSeconds": str(ttl_seconds)}

    async def read(self, key: str) -> tuple[Record | None, str]:
        """Return the record and its etag; None and "" where there is none. Raises `BrokenRecord`,
        as does every method here that returns one record."""
        asking = AsyncRetrying(
            retry=retry_if_exception(_says_wrong_kind),
            stop=stop_after_attempt(3),
            wait=wait_fixed(0.2),
            reraise=True,
        )
        try:
            return _record_in(key, await asking(self._client.get_state, LEDGER_STORE, key))
        except RpcError as error:
            if _says_wrong_kind(error):
                raise BrokenRecord(key, "the database has something else there") from error
            raise

    async def read_many(self, keys: Iterable[str], broken: set[str] | None = None) -> Read:
        """Return the records that are there, with their etags, by key. Those that are broken are
        left out, and added to `broken`."""
        wanted = list(keys)
        found: Read = {}
        for start in range(0, len(wanted), _AT_ONCE):
            page = wanted[start : start + _AT_ONCE]
            answer = await self._client.get_bulk_state(LEDGER_STORE, page, parallelism=10)
            for item in answer.items:
                try:
                    # An error of one key is none of the call's: asked for alone, it says why.
                    alone = await self.read(item.key) if item.error else None
                    record, etag = alone or _record_in(item.key, item)
                except BrokenRecord as error:
                    _log.error("left out", error=str(error))
                    if broken is not None:
                        broken.add(item.key)
                    continue
                if record is not None:
                    found[item.key] = record, etag
        return found

    async def create(self, key: str, record: Record) -> Record:
        """Write a record where none is; return the one that is there now, ours or another's."""
        try:
            await self._save(key, record, uuid.uuid4().hex, None)
        except RpcError:
            found, _ = await self.read(key)
            if found is None:
                raise
            return found
        return record

    async def mend(self, key: str, record: Record) -> None:
        """Write over a record that is broken, unless it has changed since or cannot be written."""
        try:
            found = await self._client.get_state(LEDGER_STORE, key)
            await self.replace(key, record, found.etag)
        except RpcError as error:
            _log.error("not mended", key=key, error=str(error.details()))

    async def replace(self, key: str, record: Record, etag: str) -> bool:
        """Write over the record that has this etag; False where it has changed since."""
        mark = uuid.uuid4().hex
        try:
            await self._save(key, record, mark, etag)
        except RpcError:
            found = await self._client.get_state(LEDGER_STORE, key)
            return mark.encode() in found.data
        return True

    async def try_write(self) -> None:
        """Write a record that nobody reads; raise what a store raises that takes no writes."""
        try:
            await self._client.save_state(LEDGER_STORE, "probe", "1", state_metadata=_PROBE)
        except DaprInternalError as error:
            raise error.__cause__ or error from None

    async def _save(self, key: str, record: Record, mark: str, etag: str | None) -> None:
        text = json.dumps({**record, _WRITE: mark})
        try:
            await self._client.save_state(LEDGER_STORE, key, text, etag, _FIRST_WRITE, self._kept)
        except DaprInternalError as error:
            # Of all its calls the SDK's asyncio client hides what went wrong in this one.
            raise error.__cause__ or error from None


def _says_wrong_kind(error: BaseException) -> bool:
    """Tell whether Redis says that a key is of another kind. It says so of a good record, too:
    where reading it timed out, daprd asks once more, as for a plain string."""
    return isinstance(error, RpcError) and _WRONG_KIND in (error.details() or "")


def _record_in(key: str, found: Any) -> tuple[Record | None, str]:
    """Return what an answer of the SDK's has of one key, and its etag; None and "" for nothing."""
    if not found.data:
        return None, ""
    try:
        record = json.loads(found.data)
    except (ValueError, RecursionError) as error:
        raise BrokenRecord(key, f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise BrokenRecord(key, "not a JSON object")
    record.pop(_WRITE, None)
    return record, found.etag
