"""P2: an engine record that somebody broke ends its own events visibly and holds up no other."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from redis import Redis

from contracts import identity
from contracts.events import Reason
from tests.integration.test_audit import _audit
from tests.integration.test_hostile_records import disposition, each, served
from tests.support.driver import Driver, eventually, fresh

ENGINE = "orchestrator||dapr.internal.default.orchestrator.workflow||"
TAKES_SECONDS = 8
"""How long the events here may wait."""

Break = Callable[[Redis, str], object]


def garbage(redis: Redis, key: str) -> object:
    return redis.hset(key, mapping={"data": b"\xff\xfe garbage", "version": 1})


def nothing(redis: Redis, key: str) -> object:
    return redis.hset(key, mapping={"data": b"", "version": 1})


def other_shape(redis: Redis, key: str) -> object:
    return redis.hset(key, mapping={"data": b'{"a": 1}', "version": 1})


def no_data(redis: Redis, key: str) -> object:
    return redis.hdel(key, "data")


def other_kind(redis: Redis, key: str) -> object:
    redis.delete(key)
    return redis.rpush(key, "x")


def gone(redis: Redis, key: str) -> object:
    return redis.delete(key)


WAYS: list[tuple[str, Break, bool]] = [
    ("metadata", garbage, True),
    ("metadata", other_kind, True),
    ("metadata", no_data, True),
    ("metadata", other_shape, False),
    ("history-000001", garbage, True),
    ("history-000001", other_kind, True),
    ("history-000001", gone, True),
    ("history-000001", nothing, False),
    ("inbox-000000", garbage, True),
    ("inbox-000000", other_kind, True),
    ("customStatus", garbage, True),
    ("customStatus", other_kind, True),
]
"""What is broken, how, and whether the engine says that it cannot read it."""
KINDS = ["metadata", "history-000001", "customStatus"]


@pytest.fixture
def redis(usher: Driver) -> Iterator[Redis]:
    with usher.redis() as client:
        yield client
        broken = client.smembers("broken-by-tests")
        for instance_id in broken:
            for key in client.scan_iter(f"{ENGINE}{instance_id.decode()}||*"):
                client.delete(key)
        client.delete("broken-by-tests")


def running(usher: Driver, redis: Redis, workflow: str, keys: int, given: object) -> str:
    """Start a run, and wait until its history has so many entries."""
    instance_id = fresh("run")
    usher.request(workflow, instance_id=instance_id, input=given)
    eventually(lambda: redis.exists(f"{ENGINE}{instance_id}||history-{keys - 1:06}"), bool)
    redis.sadd("broken-by-tests", instance_id)
    return instance_id


def break_engine(redis: Redis, instance_id: str, what: str, how: Break) -> None:
    if what.startswith("inbox"):  # as while an event is on its way
        metadata = f"{ENGINE}{instance_id}||metadata"
        record: Any = redis.hget(metadata, "data")
        redis.hset(metadata, "data", b"\x08\x01" + record)
        nothing(redis, f"{ENGINE}{instance_id}||{what}")
    how(redis, f"{ENGINE}{instance_id}||{what}")


def event_served(usher: Driver, instance_id: str) -> float:
    """A run gets its event and ends; return after how many seconds."""
    began = time.monotonic()
    usher.event(instance_id, "tick", 1)
    assert usher.notice(instance_id, seconds=60)["output"] == [1]
    return time.monotonic() - began


def test_a_broken_engine_record_ends_its_own_events_and_no_other(
    usher: Driver, redis: Redis
) -> None:
    tick = {"event": "tick", "data": 1, "ttl_seconds": TAKES_SECONDS}
    counting = {"events": 1, "seconds": 300}
    waiting = [running(usher, redis, "counting_workflow", 6, counting) for _ in WAYS]
    timers = [running(usher, redis, "timer_workflow", 3, {"seconds": 300}) for _ in KINDS]
    ended = [running(usher, redis, "hello_workflow", 6, "Ada") for _ in KINDS]
    healthy = [running(usher, redis, "counting_workflow", 6, counting) for _ in range(2)]
    for instance_id in ended:
        usher.notice(instance_id)
    unread = []
    for instance_id, (what, how, says_so) in zip(waiting, WAYS, strict=True):
        break_engine(redis, instance_id, what, how)
        unread += [instance_id] if says_so else []
    for what, timer, done in zip(KINDS, timers, ended, strict=True):
        break_engine(redis, timer, what, garbage)
        break_engine(redis, done, what, other_kind)
    with usher.away("orchestrator-daprd"):  # which has runs in memory
        pass
    for instance_id in (*waiting, *timers, *ended):
        usher.cloudevent(
            "workflow-events", f"to-{instance_id}", {"instance_id": instance_id, **tick}
        )
    assert event_served(usher, healthy[0]) < 10
    assert served(usher) < 10
    shown = {
        one["instance_id"]: one
        for one in usher.get("orchestrator", "/instances", limit=1000)["items"]
    }
    assert {shown[one]["stalled"]["reason"] for one in unread} == {"UNREADABLE"}
    usher.get("orchestrator", "/waiting", limit=1000)
    usher.get("orchestrator", "/parked", limit=1000)
    assert usher.http.get(usher.url("notifier", "/")).status_code == 200
    each(usher, [f"to-{one}" for one in (*waiting, *timers, *ended)], "dead_lettered")
    for instance_id in (*waiting, *timers):
        assert usher.dead_letter(f"to-{instance_id}")["reason"] == Reason.INSTANCE_STALLED
    for instance_id in ended:
        assert usher.dead_letter(f"to-{instance_id}")["reason"] == Reason.INSTANCE_FINISHED
    assert event_served(usher, healthy[1]) < 10
    wrong = {one.missing for one in _audit(usher).findings}
    for instance_id in (*waiting, *timers):
        assert any(repr(instance_id) in missing for missing in wrong)
    eventually(
        lambda: {one["where"] for one in usher.get("orchestrator", "/doctor")["items"]},
        lambda where: {f"the instance {one}" for one in unread} <= where,
        seconds=90,
    )


def test_a_broken_record_where_a_run_is_to_begin_ends_its_own_event(
    usher: Driver, redis: Redis
) -> None:
    ways: list[Break] = [garbage, other_kind, no_data]
    starts, early, nobody = [[fresh(name) for _ in ways] for name in ("start", "early", "nobody")]
    events = [{"instance_id": one, "event": "tick", "ttl_seconds": TAKES_SECONDS} for one in nobody]
    for how, start, event_id, event in zip(ways, starts, early, events, strict=True):
        redis.sadd("broken-by-tests", start)
        nothing(redis, f"{ENGINE}{start}||metadata")
        how(redis, f"{ENGINE}{start}||metadata")
        usher.cloudevent("workflow-events", event_id, event)
        ours = identity.own_run_id(identity.event_key("/tests", event_id), 1)
        eventually(partial(redis.exists, f"{ENGINE}{ours}||metadata"), bool)
        redis.sadd("broken-by-tests", ours)
        how(redis, f"{ENGINE}{ours}||metadata")
        usher.cloudevent("workflow-events", event_id, event)  # which schedules that run again
    for start in starts:
        usher.cloudevent(
            "workflow-requests", start, {"workflow": "hello_workflow", "instance_id": start}
        )
    assert served(usher) < 10
    for start in starts:
        letter = usher.dead_letter(start, seconds=90)
        assert (letter["reason"], "cannot read it" in letter["message"]) == (
            Reason.HANDLER_ERROR,
            True,
        )
    each(usher, early, "expired", seconds=120)
    assert disposition(usher, starts[0]) == "dead_lettered"


@pytest.mark.parametrize("text", [b"no JSON", b'"\\ud800"', b"[" * 100_000, b"9" * 6_000])
def test_a_run_started_past_usher_with_an_odd_input_breaks_no_list(
    usher: Driver, text: bytes
) -> None:
    instance_id = fresh("past")
    path = f"hello_workflow/start?instanceID={instance_id}"
    usher.ask_engine(path, content=text).raise_for_status()
    eventually(lambda: usher.status(instance_id), lambda status: status == "FAILED")
    items = usher.get("orchestrator", "/instances", limit=1000)["items"]
    (shown,) = [one for one in items if one["instance_id"] == instance_id]
    assert shown["input"] == text.decode()
