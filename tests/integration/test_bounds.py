"""The streams stay bounded, by what was acknowledged and never by length; doctor on what runs.

On the real Redis of the stack, in a database of its own: nobody else reads or trims there.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from contracts.brokers import BrokerNames
from contracts.topics import READ_BY, Topic
from notifier.records.trimming import Trimmer
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
