"""P2: what `usher audit` sees on Redis, and not on another broker: deletions, a wrong database."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from contracts.topics import Topic
from tests.integration.test_audit import _audit
from tests.support.command import run_usher
from tests.support.driver import Driver
from usher.audit.sources import AUDITED


@pytest.fixture
def redis(usher: Driver) -> Iterator[Redis]:
    with usher.redis(decode_responses=True) as client:
        yield client


def test_p2_an_entry_deleted_from_a_stream_is_missed(usher: Driver, redis: Redis) -> None:
    info: Any = redis.xinfo_stream("workflow-requests")
    if "entries-added" not in info:
        pytest.skip("Redis 7 or newer, which counts what was added to a stream")
    before = _deleted(usher)
    redis.xdel("workflow-requests", redis.xadd("workflow-requests", {"data": "{}"}))
    assert _deleted(usher) == before + 1
    redis.hincrby("usher:trimmed", "workflow-requests:trimmed", 1)
    assert _deleted(usher) == before


def _deleted(usher: Driver) -> int:
    """How many requests the audit misses in the stream itself."""
    named = [one for one in _audit(usher).findings if "deleted from the stream" in one.missing]
    return sum(one.count for one in named if one.stream == "workflow-requests")


def test_p2_a_topic_that_cannot_be_read_is_not_taken_for_an_empty_one(usher: Driver) -> None:
    """As for a broker that is not this Redis: here, a database in which nobody has subscribed."""
    told = run_usher(usher, "audit", code=3, database=11)
    assert (told["unaccounted"], told["events"]) == (0, 0)
    assert set(told["not_seen"]) >= set(AUDITED)
    told = run_usher(usher, "doctor", code=3, database=11)
    assert {f"the stream {topic}" for topic in Topic} == {
        why.partition(":")[0] for why in told["not_seen"]
    }
