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
    before = _audit(usher).unaccounted
    redis.xdel("workflow-requests", redis.xadd("workflow-requests", {"data": "{}"}))
    report = _audit(usher)
    assert report.unaccounted == before + 1
    assert "deleted from the stream" in report.findings[-1].missing
    redis.hincrby("usher:trimmed", "workflow-requests:trimmed", 1)
    assert _audit(usher).unaccounted == before


def test_p2_a_topic_that_cannot_be_read_is_not_taken_for_an_empty_one(usher: Driver) -> None:
    """As for a broker that is not this Redis: here, a database in which nobody has subscribed."""
    told = run_usher(usher, "audit", code=3, database=11)
    assert (told["unaccounted"], told["events"]) == (0, 0)
    assert set(told["not_seen"]) >= set(AUDITED)
    told = run_usher(usher, "doctor", code=3, database=11)
    assert {f"the stream {topic}" for topic in Topic} == {
        why.partition(":")[0] for why in told["not_seen"]
    }
