"""The notifier's records, the same in Redis and in Postgres: bounded, ordered, one for each id.

On the servers of a stack, in a database of Redis and a schema of Postgres that nobody else uses.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from chassis.redis_settings import RedisAddress
from contracts.records import Notice
from notifier.records.database import Database
from notifier.records.postgres_store import PostgresStore
from notifier.records.redis_store import RedisStore
from notifier.records.store import PAGE, START, Store, StoreUnavailable
from tests.support.answers import dead_letter, notice
from tests.support.driver import Driver, fresh
from usher.stack.postgres import connection_string
from usher.urls import redis_address

pytestmark = pytest.mark.xdist_group("shapes")

KEEP = 20
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
DATABASE = 9


@pytest.fixture
def schema(on_postgres: Driver) -> Iterator[str]:
    """A connection string whose tables are in a schema of their own."""
    where, name = connection_string(on_postgres.settings.data_dir), fresh("records")
    with psycopg.connect(where) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
    yield f"{where} options='-c search_path={name}'"
    with psycopg.connect(where) as connection:
        connection.execute(f'DROP SCHEMA "{name}" CASCADE')


@pytest.fixture
def database(on_postgres: Driver) -> Iterator[RedisAddress]:
    with on_postgres.redis(db=DATABASE) as client:
        client.flushdb()
        yield replace(redis_address(on_postgres.settings), db=DATABASE)
        client.flushdb()


@pytest.fixture(params=["redis", "postgres"])
async def store(request: pytest.FixtureRequest) -> Any:
    made: Store = (
        RedisStore(request.getfixturevalue("database"), KEEP)
        if request.param == "redis"
        else PostgresStore(request.getfixturevalue("schema"), KEEP)
    )
    yield made
    await made.close()


async def put(store: Store, *numbers: int, again: int = 0) -> None:
    """Keep notices `r-<n>`, seen so many seconds after the beginning."""
    for n in numbers:
        seen = BEGIN + timedelta(seconds=n + again)
        await store.notices.put(notice(id=f"r-{n}", instance_id=f"i-{n % 2}"), seen)


def ids(store: Store, limit: int = 1000, offset: int = 0, instance: str = "") -> list[str]:
    def wanted(one: Notice) -> bool:
        return instance in ("", one.instance_id)

    return [one.id for one in store.notices.newest(wanted, limit, offset)]


async def test_records_come_newest_first_in_pages_and_by_what_is_wanted(store: Store) -> None:
    await put(store, 3, 1, 2, 0)
    assert ids(store) == ["r-3", "r-2", "r-1", "r-0"]
    assert ids(store, limit=2, offset=1) == ["r-2", "r-1"]
    assert ids(store, instance="i-1") == ["r-3", "r-1"]
    assert store.notices.count() == 4
    assert [one.id for one in store.dead_letters.each()] == []
    await put(store, 1, again=10)
    assert ids(store) == ["r-1", "r-3", "r-2", "r-0"]
    await put(store, 1, again=-10)  # an older sight of it moves it nowhere
    assert ids(store)[0] == "r-1"
    assert (await store.notices.find("r-2")) == store.notices.get("r-2")
    assert store.notices.get("nobody") is None


async def test_the_newest_are_kept_and_it_is_known_when_the_first_was_forgotten(
    store: Store,
) -> None:
    await put(store, *range(KEEP))
    assert store.notices.forgotten_before() is None
    await asyncio.gather(*(put(store, n) for n in range(KEEP, 100)))
    assert sorted(ids(store)) == sorted(f"r-{n}" for n in range(80, 100))
    assert store.notices.count() == KEEP
    assert store.notices.forgotten_before() == (BEGIN + timedelta(seconds=79)).timestamp()
    assert store.dead_letters.forgotten_before() is None
    found = store.notices.get_many(["r-79", "r-80", "nobody", "r-81"])
    assert [one.id for one in found] == ["r-80", "r-81"]
    assert store.notices.get_many([]) == []


async def test_more_than_a_page_is_read_in_order(database: RedisAddress, schema: str) -> None:
    for store in (RedisStore(database, 1000), PostgresStore(schema, 1000)):
        many = PAGE * 2 + 7
        await put(store, *range(many))
        assert ids(store) == [f"r-{n}" for n in reversed(range(many))]
        await store.close()


async def test_a_change_is_made_once_and_noted(store: Store) -> None:
    assert store.journal.last() == START
    await store.dead_letters.put(dead_letter(id="l-1"), BEGIN)
    put_at = store.journal.last()
    marked = {"redriven_at": BEGIN}
    changed = store.dead_letters.change("l-1", lambda one: one.model_copy(update=marked))
    assert changed is not None
    assert changed.redriven_at == BEGIN
    assert store.dead_letters.get("l-1") == changed
    noted = store.journal.last()
    assert store.dead_letters.change("l-1", lambda _: None) == changed
    assert store.dead_letters.change("nobody", lambda one: one) is None
    assert store.journal.last() == noted
    followed = [c async for c in store.journal.follow(put_at, _after(2))]
    assert [(c.id, c.store, c.record_id) for c in followed] == [(noted, "dead-letters", "l-1")]


def _after(looks: int) -> Any:
    """Return a function that is false so often, and then true."""
    left = iter([False] * looks)
    return lambda: next(left, True)


async def test_no_change_is_missed_however_many_write_at_once(store: Store) -> None:
    seen: list[str] = []

    async def follow() -> None:
        async for change in store.journal.follow(START, lambda: len(seen) >= 30):
            seen.append(change.record_id)

    async with asyncio.timeout(60):
        await asyncio.gather(follow(), *(put(store, n) for n in range(30)))
    assert sorted(seen) == sorted(f"r-{n}" for n in range(30))


HOSTILE = [
    "nul \0 here",
    "a" * 1024,
    "\U0001f600" * 1024,
    "'; DROP TABLE usher_records; --",
    "\\u0000",
]


async def test_any_id_and_any_text_is_kept_as_it_is(store: Store) -> None:
    for number, odd in enumerate(HOSTILE):
        record = notice(id=odd, output={odd: [odd]})
        await store.notices.put(record, BEGIN + timedelta(seconds=number))
        assert await store.notices.find(odd) == record
    assert ids(store) == HOSTILE[::-1]
    followed = [c async for c in store.journal.follow(START, _after(1))]
    assert [one.record_id for one in followed] == HOSTILE


async def test_a_store_that_is_gone_is_named_in_one_line_and_works_again(
    on_postgres: Driver, schema: str
) -> None:
    store = PostgresStore(schema, KEEP)
    await put(store, 1)
    assert await store.refuses() is None
    with on_postgres.away("postgres"):
        why = await store.refuses()
        assert why is not None
        assert why.startswith("Postgres does not answer: ")
        assert "\n" not in why
        assert not await store.answers()
        with pytest.raises(StoreUnavailable):
            store.notices.get("r-1")
    assert await store.refuses() is None
    assert ids(store) == ["r-1"]
    await store.close()


async def test_a_user_who_may_make_no_tables_uses_those_that_are_there(
    schema: str,
) -> None:
    role = fresh("role").replace("-", "_")
    name = schema.rpartition("search_path=")[2].rstrip("'")
    owner = PostgresStore(schema, KEEP)
    await put(owner, 1)
    with psycopg.connect(schema, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(f'GRANT USAGE ON SCHEMA "{name}" TO {role}')
        connection.execute(
            f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{name}" TO {role}'
        )
    store = PostgresStore(schema.replace("user=usher", f"user={role}"), KEEP)
    await put(store, 2)
    assert ids(store) == ["r-2", "r-1"]
    await store.close()
    await owner.close()
    with psycopg.connect(schema, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")


def test_connections_are_bounded(schema: str) -> None:
    database = Database(schema)
    with database.connection() as one, database.connection() as other:
        assert one is not other
    with database.connection() as again:
        assert again in (one, other)
    database.close()
