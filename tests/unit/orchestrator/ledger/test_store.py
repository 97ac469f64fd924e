"""The state store as the SDK has it: whoever lost a race is told by what is there."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from anyio.lowlevel import checkpoint
from dapr.aio.clients import DaprClient
from dapr.clients.exceptions import DaprInternalError
from dapr.clients.grpc._response import BulkStateItem
from grpc import RpcError, StatusCode

from orchestrator.ledger.store import ATTEMPTS, BrokenRecord, Busy, Contended, Record, Store
from tests.support.memory import MemoryStore
from tests.support.sidecar import CallFailed


class Client:
    """The SDK's client, which refuses to save what another was faster with."""

    def __init__(self, there: dict[str, Any] | None = None, error: RpcError | None = None) -> None:
        self._there = there
        self._error = error or CallFailed(StatusCode.ABORTED, "possible etag mismatch")
        self.saves = True

    async def get_state(self, _store: str, _key: str) -> Any:
        data = json.dumps(self._there).encode() if self._there else b""
        return SimpleNamespace(data=data, etag="7")

    async def get_bulk_state(self, _store: str, keys: list[str], parallelism: int) -> Any:
        assert parallelism
        items = [
            BulkStateItem("there", json.dumps(THEIRS).encode(), "3"),
            BulkStateItem("absent", b""),
            BulkStateItem("unread", b"", error="connection refused"),
        ]
        return SimpleNamespace(items=[item for item in items if item.key in keys])

    async def save_state(self, _store: str, _key: str, text: str, *_: Any) -> None:
        if self.saves:
            self._there = json.loads(text)
        raise DaprInternalError(str(self._error.details())) from self._error


def store_of(client: Client) -> Store:
    return Store(cast(DaprClient, client), 60)


THEIRS = {"whose": "theirs", "write": "1"}


async def test_of_two_that_create_a_record_the_second_is_told_of_the_first() -> None:
    client = Client(THEIRS)
    client.saves = False
    assert await store_of(client).create("key", {"whose": "ours"}) == {"whose": "theirs"}
    assert not await store_of(client).replace("key", {"whose": "ours"}, "7")


async def test_a_write_that_was_made_is_made_whatever_its_answer_was() -> None:
    client = Client(THEIRS, CallFailed(StatusCode.DEADLINE_EXCEEDED))
    assert await store_of(client).replace("key", {"whose": "ours"}, "7")
    assert await store_of(client).read("key") == ({"whose": "ours"}, "7")


async def test_of_many_one_that_could_not_be_read_is_not_one_that_is_not_there() -> None:
    """Dapr's bulk read succeeds all the same; an event on a list must not vanish by it."""
    store = store_of(Client({"whose": "ours", "write": "2"}))
    found = await store.read_many(["there", "absent", "unread"])
    assert found == {"there": ({"whose": "theirs"}, "3"), "unread": ({"whose": "ours"}, "7")}


async def test_of_a_store_whose_bulk_read_may_be_cut_off_what_looks_absent_is_read_alone() -> None:
    client = Client({"whose": "ours", "write": "2"})
    store = Store(cast(DaprClient, client), 60, in_redis=False)
    found = await store.read_many(["there", "absent"])
    assert found == {"there": ({"whose": "theirs"}, "3"), "absent": ({"whose": "ours"}, "7")}


@pytest.mark.parametrize("code", [StatusCode.INVALID_ARGUMENT, StatusCode.UNAVAILABLE])
async def test_a_record_that_cannot_be_written_says_what_the_call_said(code: StatusCode) -> None:
    """The inbox tells by the code what is to be tried again from what never can be."""
    client = Client(error=CallFailed(code, "no"))
    client.saves = False
    with pytest.raises(CallFailed) as failed:
        await store_of(client).create("key", {"whose": "ours"})
    assert failed.value.code() is code


@pytest.mark.parametrize("there", [b"not json", b"[1]", b'"text"', b"[" * 100_000])
async def test_a_record_that_somebody_broke_is_told_from_others(there: bytes) -> None:
    class Broken(Client):
        async def get_state(self, _store: str, _key: str) -> Any:
            return SimpleNamespace(data=there, etag="7")

    store = store_of(Broken())
    with pytest.raises(BrokenRecord, match="'key' of the state store is broken"):
        await store.read("key")
    broken: set[str] = set()
    assert list(await store.read_many(["there", "unread"], broken)) == ["there"]
    assert broken == {"unread"}


async def test_another_kind_of_value_is_a_broken_record_and_an_absent_store_is_none() -> None:
    class Failing(Client):
        async def get_state(self, _store: str, _key: str) -> Any:
            raise self._error

    wrong = CallFailed(StatusCode.INTERNAL, "WRONGTYPE Operation against a key")
    with pytest.raises(BrokenRecord):
        await store_of(Failing(error=wrong)).read("key")
    away = CallFailed(StatusCode.UNAVAILABLE, "connection refused")
    with pytest.raises(CallFailed):
        await store_of(Failing(error=away)).read("key")


async def test_a_good_record_of_which_the_database_says_once_that_it_is_another_kind_is_read() -> (
    None
):
    """So it does where the first look timed out, since daprd then asks as for a plain string."""

    class Slow(Client):
        asked = 0

        async def get_state(self, store: str, key: str) -> Any:
            self.asked += 1
            if self.asked < 3:
                raise CallFailed(StatusCode.INTERNAL, "WRONGTYPE Operation against a key")
            return await super().get_state(store, key)

    client = Slow()
    assert await store_of(client).read("key") == await store_of(Client()).read("key")
    assert client.asked == 3


# --- update: read, change, write where unchanged --------------------------------------------------


class Contested(MemoryStore):
    """Another writer is faster, so many times; it adds 100 to the count."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses
        self.reads = 0
        self.tries = 0

    async def read(self, key: str) -> tuple[Record | None, str]:
        self.reads += 1
        return await super().read(key)

    async def create(self, key: str, record: Record) -> Record:
        await self._lose(key)
        return await super().create(key, record)

    async def replace(self, key: str, record: Record, etag: str) -> bool:
        await self._lose(key)
        return await super().replace(key, record, etag)

    async def _lose(self, key: str) -> None:
        self.tries += 1
        if self.losses:
            self.losses -= 1
            there, version = self.records.get(key, ({"count": 0}, 0))
            self._write(key, {"count": there["count"] + 100}, version + 1)


def one_more(record: Record | None) -> Record:
    return {"count": record["count"] + 1 if record else 1}


@pytest.mark.parametrize("there", [True, False])
async def test_an_update_that_lost_twice_is_made_upon_what_won(there: bool) -> None:
    store = Contested(losses=2)
    if there:
        store.records["key"] = {"count": 5}, 1
    assert await store.update("key", one_more) == {"count": 206 if there else 201}
    assert store.records["key"][0] == {"count": 206 if there else 201}
    assert store.tries == 3


async def test_an_update_that_loses_each_time_gives_up() -> None:
    store = Contested(losses=ATTEMPTS)
    store.records["key"] = {"count": 0}, 1
    with pytest.raises(Contended, match="'key' changed at each of 100 attempts") as raised:
        await store.update("key", one_more)
    assert isinstance(raised.value, Busy)
    assert store.tries == ATTEMPTS
    assert store.records["key"][0] == {"count": 100 * ATTEMPTS}


class Interleaved(MemoryStore):
    """Lets every other writer read before the one that has read writes."""

    async def read(self, key: str) -> tuple[Record | None, str]:
        found = await super().read(key)
        await checkpoint()
        return found


async def test_of_many_writers_at_once_all_land() -> None:
    store, asked = Interleaved(), 0

    async def add(writer: int) -> None:
        def added(record: Record | None) -> Record:
            nonlocal asked
            asked += 1
            return {"writers": [*(record["writers"] if record else ()), writer]}

        await store.update("key", added)

    await asyncio.gather(*map(add, range(64)))
    assert sorted(store.records["key"][0]["writers"]) == list(range(64))
    assert asked > 64, "no two writers ever met"


@pytest.mark.parametrize("there", [{"count": 1}, None])
async def test_nothing_is_written_where_nothing_is_to_change(there: Record | None) -> None:
    store = Contested(losses=0)
    if there:
        store.records["key"] = there, 1
    assert await store.update("key", lambda _: None) == there
    assert await store.update("key", lambda record: record) == there
    assert store.tries == 0
    assert store.records == ({"key": (there, 1)} if there else {})


async def test_an_error_of_the_change_is_raised_and_nothing_is_written() -> None:
    def refuse(_: Record | None) -> Record:
        raise ValueError("refused")

    store = Contested(losses=0)
    with pytest.raises(ValueError, match="refused"):
        await store.update("key", refuse)
    assert store.records == {}


async def test_a_record_that_was_read_just_now_is_read_again_only_where_it_changed() -> None:
    store = Contested(losses=0)
    store.records["key"] = {"count": 1}, 1
    read = await MemoryStore.read(store, "key")
    assert await store.update("key", one_more, read) == {"count": 2}
    assert store.reads == 0
    assert await store.update("key", one_more, read) == {"count": 3}
    assert store.reads == 1
