"""The ledger's store on the real runtime: who was first, and what could not be read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from dapr.aio.clients import DaprClient
from grpc import RpcError

from orchestrator.ledger.store import Store
from tests.support.driver import Driver, fresh

MANY = 100


@pytest.fixture(autouse=True)
def _sidecar(usher: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK asks the sidecar's HTTP port whether it is there before it connects to the other."""
    monkeypatch.setenv("DAPR_HTTP_PORT", str(usher.settings.orchestrator_dapr_http_port))
    monkeypatch.setenv("DAPR_API_TOKEN", usher.stack.secrets.sidecar_token)


@asynccontextmanager
async def _store(usher: Driver) -> AsyncIterator[Store]:
    address = f"127.0.0.1:{usher.settings.orchestrator_dapr_grpc_port}"
    async with DaprClient(address) as client:
        yield Store(client, 600, in_redis=usher.settings.state == "redis")


async def test_p1_of_two_that_write_at_once_each_record_has_one_winner(usher: Driver) -> None:
    keys = [fresh("record") for _ in range(MANY)]
    async with _store(usher) as one, _store(usher) as other:

        async def create(store: Store, whose: str) -> list[dict[str, str]]:
            mine = keys if whose == "one" else keys[::-1]
            made = await asyncio.gather(*(store.create(key, {"whose": whose}) for key in mine))
            return made if whose == "one" else made[::-1]

        seen, seen_by_other = await asyncio.gather(create(one, "one"), create(other, "other"))
        there = await one.read_many(keys)
        assert seen == seen_by_other == [there[key][0] for key in keys]

        for key in keys[1::2]:  # so that their etags are stale
            assert await other.replace(key, *there[key])
        replaced = await asyncio.gather(
            *(one.replace(key, {"whose": "nobody"}, there[key][1]) for key in keys)
        )
        assert replaced == [number % 2 == 0 for number in range(MANY)]
        after = [await other.read(key) for key in keys]
        assert [record == {"whose": "nobody"} for record, _ in after] == replaced


async def test_p3_what_cannot_be_read_is_not_taken_for_absent(usher: Driver) -> None:
    """Dapr answers a bulk read with success while the store is away, and an error for each key."""
    keys = [fresh("record") for _ in range(3)]
    async with _store(usher) as store:
        for key in keys:
            await store.create(key, {"whose": "ours"})
        with usher.away(usher.settings.state), pytest.raises(RpcError):
            await store.read_many(keys)
        assert set(await store.read_many(keys)) == set(keys)
