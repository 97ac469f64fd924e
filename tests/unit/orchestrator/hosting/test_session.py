"""What one process leaves for the next: who is suspected, who is not, and what it costs."""

from collections.abc import Callable
from typing import cast

import pytest
from grpc import RpcError

from orchestrator.engine.instance_call import AWAY
from orchestrator.hosting.session import CAREFUL_SECONDS, KEPT, Session
from orchestrator.hosting.work_item import WorkItem
from orchestrator.ledger.store import Record, Store
from tests.support.memory import MemoryStore

pytestmark = pytest.mark.anyio
KILLER = WorkItem("activity", "killer", "bad-1", "x")
OTHER = WorkItem("activity", "other", "good-1", "y")


class Counting(MemoryStore):
    """Counts what it is asked."""

    calls = 0
    away = False

    async def read(self, key: str) -> tuple[Record | None, str]:
        self._ask()
        return await super().read(key)

    async def create(self, key: str, record: Record) -> Record:
        self._ask()
        return await super().create(key, record)

    async def replace(self, key: str, record: Record, etag: str) -> bool:
        self._ask()
        return await super().replace(key, record, etag)

    def _ask(self) -> None:
        self.calls += 1
        if self.away:
            raise OSError("away")


class Clock:
    """A clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


STILL = Clock()


async def begun(store: MemoryStore, deaths: int = 3, now: Callable[[], float] = STILL) -> Session:
    session = Session(cast(Store, store), "host-8081", deaths, now)
    await session.begin()
    return session


async def test_the_first_process_at_a_place_is_not_careful() -> None:
    session = await begun(MemoryStore())
    assert session.is_free(KILLER)


async def test_one_that_follows_a_clean_stop_is_not_careful() -> None:
    store = MemoryStore()
    await (await begun(store)).end()
    assert (await begun(store)).is_free(KILLER)


async def test_one_that_follows_a_death_is_careful_for_a_while() -> None:
    store, clock = MemoryStore(), Clock()
    await begun(store, now=clock)
    session = await begun(store, now=clock)
    assert not session.is_free(KILLER)
    assert session.suspect(KILLER) is None
    clock.now += CAREFUL_SECONDS
    assert session.is_free(KILLER)


async def test_what_was_marked_at_a_death_is_suspected_and_what_ended_is_not() -> None:
    store = MemoryStore()
    await begun(store)
    session = await begun(store)
    await session.mark(OTHER)
    session.unmark(OTHER)
    await session.mark(KILLER)
    after = await begun(store)
    assert after.suspect(KILLER) is not None
    assert after.suspect(OTHER) is None


async def test_being_suspected_counts_for_nothing_however_often() -> None:
    store = MemoryStore()
    for _ in range(10):
        session = await begun(store)
        await session.mark(OTHER)
    session = await begun(store)
    suspect = session.suspect(OTHER)
    assert suspect is not None
    assert suspect.deaths == 0
    assert not session.is_spent(OTHER)


async def test_deaths_alone_add_up_over_processes_until_the_item_is_spent() -> None:
    store = MemoryStore()
    await begun(store)
    for number in range(1, 4):
        session = await begun(store)
        assert not session.is_spent(KILLER)
        assert await session.count_death(KILLER, "exit code 3") == number
    assert session.is_spent(KILLER)
    assert (await begun(store)).is_spent(KILLER)


async def test_the_limit_is_a_setting() -> None:
    session = await begun(MemoryStore(), deaths=1)
    await session.count_death(KILLER, "exit code 3")
    assert session.is_spent(KILLER)


async def test_a_spent_item_stays_so_after_a_clean_stop_and_a_long_time() -> None:
    store, clock = MemoryStore(), Clock()
    session = await begun(store, deaths=1, now=clock)
    await session.count_death(KILLER, "exit code 3")
    await session.end()
    clock.now += 10 * CAREFUL_SECONDS
    after = await begun(store, deaths=1, now=clock)
    assert after.is_spent(KILLER)
    assert after.is_free(OTHER)


async def test_not_more_spent_items_are_kept_than_a_record_holds() -> None:
    store, clock = MemoryStore(), Clock()
    session = await begun(store, deaths=1, now=clock)
    items = [WorkItem("activity", "killer", f"bad-{number}", "x") for number in range(KEPT + 5)]
    for item in items:
        clock.now += 1
        await session.count_death(item, "exit code 3")
    await session.end()
    clock.now += 10 * CAREFUL_SECONDS
    after = await begun(store, deaths=1, now=clock)
    assert [after.is_spent(item) for item in items] == [False] * 5 + [True] * KEPT


async def test_a_name_that_ended_a_process_is_deadly_until_it_ends_well() -> None:
    session = await begun(MemoryStore())
    again = WorkItem("activity", "killer", "bad-2", "z")
    assert not session.is_deadly(again)
    await session.count_death(KILLER, "exit code 3")
    assert session.is_deadly(again)
    assert not session.is_deadly(OTHER)
    await session.clear(KILLER)
    assert not session.is_deadly(again)


async def test_a_store_that_is_away_keeps_no_item_from_being_run() -> None:
    store = Counting()
    session = await begun(store)
    store.away = True
    await session.mark(KILLER)
    await session.count_death(KILLER, "exit code 3")
    assert session.suspect(KILLER) is not None


async def test_a_record_of_another_version_makes_a_process_careful() -> None:
    store = MemoryStore()
    store.records["session-host-8081"] = ({"open": "what?"}, 1)
    assert not (await begun(store)).is_free(KILLER)


async def test_while_nothing_dies_only_start_and_stop_ask_the_store() -> None:
    store = Counting()
    session = await begun(store)
    started = store.calls
    assert started == 3  # read, then read and create
    for _ in range(1000):
        assert session.is_free(KILLER)
        session.unmark(KILLER)
    assert store.calls == started
    await session.end()
    assert store.calls == started + 2


def test_what_counts_as_away_is_what_the_store_raises() -> None:
    assert {RpcError, OSError} <= set(AWAY)
