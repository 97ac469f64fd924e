"""The streams stay bounded, by what was acknowledged and never by length; doctor on what runs.

On the real Redis of the stack, in a database of its own: nobody else reads or trims there.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from contracts.brokers import BrokerNames
from contracts.topics import READ_BY, Topic
from notifier.records.journal import Journal
from notifier.records.shapes import NOTICES
from notifier.records.store import RecentRecords
from notifier.records.trimming import Trimmer
from tests.support.answers import notice
from tests.support.command import run_usher
from tests.support.driver import Driver
from usher.audit.redis_streams import RedisStreams

TOPIC = Topic.REQUESTS
GROUP = READ_BY[TOPIC]
DATABASE = 9


@pytest.fixture
def redis(usher: Driver) -> Iterator[Redis]:
    with usher.redis(db=DATABASE, decode_responses=True) as client:
        client.flushdb()
        yield client
        client.flushdb()


def _stream(redis: Redis, entries: int = 6) -> list[str]:
    redis.xgroup_create(TOPIC, GROUP, "0", mkstream=True)
    for n in range(entries):  # of 1970: older than any retention
        redis.xadd(TOPIC, {"data": "{}"}, id=f"{n + 1}-0")
    return [f"{n + 1}-0" for n in range(entries)]


def _sweep(redis: Redis, keep: timedelta = timedelta(days=7)) -> int:
    return Trimmer(redis, keep, BrokerNames()).sweep().get(TOPIC, 0)


def _left(redis: Redis) -> list[str]:
    entries: Any = redis.xrange(TOPIC)
    return [name for name, _ in entries]


def test_what_a_group_has_not_acknowledged_stays(redis: Redis) -> None:
    ids = _stream(redis)
    assert (_sweep(redis), _left(redis)) == (0, ids)
    redis.xreadgroup(GROUP, "c", {TOPIC: ">"}, count=4)
    assert (_sweep(redis), _left(redis)) == (0, ids)
    redis.xack(TOPIC, GROUP, ids[0], ids[1], ids[3])
    assert (_sweep(redis), _left(redis)) == (2, ids[2:])
    redis.xack(TOPIC, GROUP, ids[2])
    assert _sweep(redis) == 1
    assert _left(redis) == ids[3:]


def test_every_group_counts_also_one_of_somebody_else(redis: Redis) -> None:
    ids = _stream(redis)
    redis.xgroup_create(TOPIC, "somebody", "2-0")
    redis.xreadgroup(GROUP, "c", {TOPIC: ">"})
    redis.xack(TOPIC, GROUP, *ids)
    assert (_sweep(redis), _left(redis)) == (1, ids[1:])
    redis.xgroup_destroy(TOPIC, "somebody")
    assert (_sweep(redis), _left(redis)) == (4, ids[5:])


def test_nothing_goes_while_the_group_is_missing_that_must_read_all(redis: Redis) -> None:
    ids = _stream(redis)
    redis.xgroup_destroy(TOPIC, GROUP)
    assert (_sweep(redis), _left(redis)) == (0, ids)
    redis.xgroup_create(TOPIC, "somebody", "$")
    assert (_sweep(redis), _left(redis)) == (0, ids)


def test_what_is_young_stays(redis: Redis) -> None:
    redis.xgroup_create(TOPIC, GROUP, "0", mkstream=True)
    redis.xadd(TOPIC, {"data": "{}"}, id="1-0")
    seconds, _ = redis.time()
    for n in range(3):
        redis.xadd(TOPIC, {"data": "{}"}, id=f"{(seconds - 3600) * 1000}-{n}")
    redis.xreadgroup(GROUP, "c", {TOPIC: ">"})
    redis.xack(TOPIC, GROUP, *_left(redis))
    assert _sweep(redis) == 1
    assert len(_left(redis)) == 3
    assert _sweep(redis, timedelta(minutes=30)) == 2


def _gone(streams: RedisStreams) -> list[int] | None:
    found = streams.vanished(TOPIC, GROUP)
    return None if found is None else [one.number for one in found]


def test_what_was_trimmed_is_told_from_what_was_deleted(redis: Redis, usher: Driver) -> None:
    ids = _stream(redis)
    redis.xreadgroup(GROUP, "c", {TOPIC: ">"})
    redis.xack(TOPIC, GROUP, *ids)
    assert _sweep(redis) == 5
    with usher.redis(db=DATABASE) as raw:
        streams = RedisStreams(raw, BrokerNames())
        if _gone(streams) is None:
            pytest.skip("Redis 7 or newer, which counts what was added to a stream")
        assert _gone(streams) == []
        for _ in range(3):
            redis.xadd(TOPIC, {"data": "{}"})
        redis.xtrim(TOPIC, maxlen=2, approximate=False)
        assert _gone(streams) == [2]
        _sweep(redis)
        redis.delete(TOPIC)
        assert _gone(streams) == [9]
        redis.xadd(TOPIC, {"data": "{}"})
        assert _gone(streams) == [9]


def test_doctor_finds_nothing_wrong_with_what_runs(usher: Driver) -> None:
    told = run_usher(usher, "doctor")
    assert told == {"refusals": 0, "warnings": 0, "items": [], "not_seen": []}


async def test_the_notifier_keeps_the_newest_and_says_when_it_began_to_forget(redis: Redis) -> None:
    address = redis.connection_pool.connection_kwargs
    named: dict[str, Any] = {name: address.get(name) for name in ("host", "port", "db", "password")}
    on_loop = AsyncRedis(**named, decode_responses=True)
    shelf = RecentRecords(redis, on_loop, "things", 20, Journal(redis, "", 20, "usher:"), NOTICES)
    begin = datetime(2030, 1, 1, tzinfo=UTC)
    records = [(f"r-{n}", begin + timedelta(seconds=n)) for n in range(100)]

    async def put(record: tuple[str, datetime]) -> None:
        await shelf.put(notice(id=record[0]), record[1])

    async with on_loop:
        for one in records[:20]:
            await put(one)
        assert shelf.forgotten_before() is None
        await asyncio.gather(*map(put, records[20:]))
    kept = {one.id for one in shelf.newest(lambda _: True, 1000)}
    assert kept == {f"r-{n}" for n in range(80, 100)}
    assert shelf.forgotten_before() == records[79][1].timestamp()
    assert redis.hlen("usher:things") == 20
    assert [one.id for one in shelf.get_many(["r-79", "r-80", "nobody"])] == ["r-80"]
