"""The state store: records that are created once, read, and replaced where unchanged since.

Every write asks for first-write concurrency. That makes a create without an etag atomic: of many
at once, one wins. The store reports a lost race and a lost connection alike, so after any error the
key is read, and the record that is there decides.
"""

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog
from dapr.aio.clients import DaprClient
from dapr.clients.exceptions import DaprInternalError
from grpc import RpcError
from pydantic import BaseModel, ValidationError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_fixed

from contracts.refusal import explain
from contracts.topics import LEDGER_STORE
from orchestrator.engine.sdk import FIRST_WRITE

Model = TypeVar("Model", bound=BaseModel)

Record = dict[str, Any]
Read = dict[str, tuple[Record, str]]
"""Records that are there, with their etags, by key."""

ATTEMPTS = 100
"""Most writes that one `update` tries. Of several writers at once one wins each round, and at most
64 deliveries are in hand."""
_PROBE = {"ttlInSeconds": "60"}
_AT_ONCE = 200
_WRONG_KIND = "WRONGTYPE"
"""The error of Redis for a key that holds a list, a set or the like."""
_WRITE = "write"
"""The field of each record that tells two writes of the same content apart."""

_log = structlog.get_logger()


class BrokenRecord(Exception):
    """One record is not as Usher writes it. Other records may be intact."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"the record {key!r} of the state store is broken: {why}")


class Busy(Exception):
    """Another handler may be at work on the event. The delivery must come again."""


class Contended(Busy):
    """A record changed at every attempt to write it."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the record {key!r} changed at each of {ATTEMPTS} attempts to write it")


class RecordStore(ABC):
    """Records by key. Every method that returns one record may raise `BrokenRecord`."""

    @abstractmethod
    async def read(self, key: str) -> tuple[Record | None, str]:
        """Return the record and its etag; None and "" where there is none."""

    @abstractmethod
    async def read_many(self, keys: Iterable[str], broken: set[str] | None = None) -> Read:
        """Return the records that are there. Keys of broken ones are added to `broken`."""

    @abstractmethod
    async def create(self, key: str, record: Record) -> Record:
        """Write a record where none is. Return the one that is there now: ours or another's."""

    @abstractmethod
    async def replace(self, key: str, record: Record, etag: str) -> bool:
        """Write over the record that has this etag; False where it has changed since."""

    @abstractmethod
    async def mend(self, key: str, record: Record) -> None:
        """Write over a broken record, unless it has changed since. A failure is only logged."""

    async def update(
        self,
        key: str,
        change: Callable[[Record | None], Record | None],
        read: tuple[Record | None, str] | None = None,
    ) -> Record | None:
        """Write what `change` returns for a record; `change` gets None where there is none.

        Where `change` returns None or an equal record, nothing is written. Where two create equal
        records at once, one is written, and counts for both. After a lost race
        `change` is called again with the record that won. Return the record that is there now.
        Raise `Contended` after `ATTEMPTS` lost races. `read` is a record that was read just now,
        with its etag: it saves the first read.
        """
        for _ in range(ATTEMPTS):
            before, etag = read or await self.read(key)
            read = None
            after = change(before)
            if after is None or after == before:
                return before
            if before is None:
                if await self.create(key, after) == after:
                    return after
            elif await self.replace(key, after, etag):
                return after
        raise Contended(key)


class Store(RecordStore):
    """Records in the state store of the sidecar, each kept for `ttl_seconds` after a write."""

    def __init__(self, client: DaprClient, ttl_seconds: int, in_redis: bool = True) -> None:
        """Of a store other than Redis, a bulk read that was cut off has keys without data and no
        error (seen with Postgres), so what looks absent is read alone."""
        self._client = client
        self._in_redis = in_redis
        self._kept = {"ttlInSeconds": str(ttl_seconds)}

    async def read(self, key: str) -> tuple[Record | None, str]:
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
        wanted = list(keys)
        found: Read = {}
        for start in range(0, len(wanted), _AT_ONCE):
            page = wanted[start : start + _AT_ONCE]
            answer = await self._client.get_bulk_state(LEDGER_STORE, page, parallelism=10)
            for item in answer.items:
                try:
                    # The error of one key fails that key alone; reading it alone says why.
                    unsure = item.error or not (item.data or self._in_redis)
                    alone = await self.read(item.key) if unsure else None
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
        try:
            await self._save(key, record, uuid.uuid4().hex, None)
        except RpcError:
            found, _ = await self.read(key)
            if found is None:
                raise
            return found
        return record

    async def mend(self, key: str, record: Record) -> None:
        try:
            found = await self._client.get_state(LEDGER_STORE, key)
            await self.replace(key, record, found.etag)
        except RpcError as error:
            _log.error("not mended", key=key, error=str(error.details()))

    async def replace(self, key: str, record: Record, etag: str) -> bool:
        mark = uuid.uuid4().hex
        try:
            await self._save(key, record, mark, etag)
        except RpcError:
            found = await self._client.get_state(LEDGER_STORE, key)
            return mark.encode() in found.data
        return True

    async def try_write(self) -> None:
        """Write a record that nobody reads. Raises the store's error where it takes no writes."""
        try:
            await self._client.save_state(LEDGER_STORE, "probe", "1", state_metadata=_PROBE)
        except DaprInternalError as error:
            raise error.__cause__ or error from None

    async def _save(self, key: str, record: Record, mark: str, etag: str | None) -> None:
        text = json.dumps({**record, _WRITE: mark})
        try:
            await self._client.save_state(LEDGER_STORE, key, text, etag, FIRST_WRITE, self._kept)
        except DaprInternalError as error:
            # Of all its calls, only in this one the SDK's asyncio client hides the cause.
            raise error.__cause__ or error from None


def _says_wrong_kind(error: BaseException) -> bool:
    """Return whether Redis says that a key is of another kind.

    It may say so of an intact record: after a read that timed out, daprd reads it again as a plain
    string.
    """
    return isinstance(error, RpcError) and _WRONG_KIND in (error.details() or "")


def _record_in(key: str, found: Any) -> tuple[Record | None, str]:
    """Return the record in the SDK's answer for one key, and its etag; None and "" for none."""
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


def read_as(model: type[Model], key: str, record: Record) -> Model:
    """Return a record as a model. Raises `BrokenRecord` where it does not fit."""
    try:
        return model.model_validate(record)
    except ValidationError as error:
        raise BrokenRecord(key, explain(error, record)[0] or "not as written") from error


def readable(model: type[Model], found: Read, broken: set[str] | None = None) -> dict[str, Model]:
    """Return many records as models. Keys of broken ones are added to `broken`."""
    models: dict[str, Model] = {}
    for key, (record, _) in found.items():
        try:
            models[key] = read_as(model, key, record)
        except BrokenRecord as error:
            _log.error("left out", error=str(error))
            if broken is not None:
                broken.add(key)
    return models
