"""P2: an odd event, or a record that somebody broke, ends visibly and holds up nothing else."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from contracts import identity, redrive
from contracts.events import Reason
from contracts.records import DeadLetter
from tests.integration.test_audit import LEDGER, _audit
from tests.support.driver import Document, Driver, eventually, fresh

ODD: list[dict[str, Any]] = [
    {"myExtension": "x", "ratio": 0.5, "my-ext": {"a": [1]}, "Größe": None, "": "empty"},
    {"list": [1, {"a": 2}], "nothing": None, "yes": True, "huge": 10**400, "text": "x" * 1_000_000},
    {"usherkey": "x", "_write": "y", "write": "z", "key": 1, "event": [], "disposition": "started"},
    {"sequence": "9" * 5_000},
    {"sequence": 10**400},
    {"sequence": -1},
    {"sequence": 0.5},
    {"sequence": {"a": 1}},
    {"sequence": "²"},
    {"time": 7, "subject": {"a": 1}, "datacontenttype": None, "specversion": 0.3},
    {"time": "never", "subject": None, "datacontenttype": "Application/JSON; charset=x"},
    {"traceparent": "00-x", "redrive": [1], "topic": 5, "pubsubname": {}},
]


@pytest.fixture
def redis(usher: Driver) -> Iterator[Redis]:
    with usher.redis(decode_responses=True) as client:
        yield client


def add(redis: Redis, event_id: str, data: Any, **attributes: Any) -> None:
    """Put an entry on the stream as it is, which no sidecar would make of it."""
    envelope = {"specversion": "1.0", "id": event_id, "source": "/tests", "type": "t", "data": data}
    redis.xadd("workflow-events", {"data": json.dumps({**envelope, **attributes})})


def disposition(usher: Driver, event_id: str) -> str | None:
    found = usher.http.get(
        usher.url("orchestrator", "/events"), params={"source": "/tests", "id": event_id}
    )
    return str(found.json()["disposition"]) if found.is_success else None


def parked(usher: Driver) -> set[str]:
    items = usher.get("orchestrator", "/parked", limit=1000)["items"]
    return {one["id"] for one in items}


def served(usher: Driver) -> float:
    """A healthy start has its notice; return after how many seconds."""
    began, healthy = time.monotonic(), fresh("healthy")
    usher.request("hello_workflow", instance_id=healthy)
    usher.notice(healthy, seconds=60)
    return time.monotonic() - began


def each(usher: Driver, events: list[str], expected: str, seconds: float = 60) -> None:
    """Wait until that has become of each event."""

    def others() -> dict[str, str | None]:
        found = {one: disposition(usher, one) for one in events}
        return {one: became for one, became in found.items() if became != expected}

    eventually(others, lambda left: not left, seconds)


def test_odd_events_are_parked_listed_drained_expired_and_redriven(
    usher: Driver, redis: Redis
) -> None:
    waits, ends = [fresh("run") for _ in ODD], [fresh("nobody") for _ in ODD]
    drained, expired = [fresh("d") for _ in ODD], [fresh("x") for _ in ODD]
    for number, odd in enumerate(ODD):
        tick = {"event": "tick", "data": number}
        add(redis, drained[number], {"instance_id": waits[number], **tick}, **odd)
        late = {"instance_id": ends[number], "ttl_seconds": 8, **tick}
        add(redis, expired[number], late, **odd)
    for _ in range(7):  # as many pairs as stopped every start
        for odd in ODD:
            late = {"instance_id": fresh("n"), "event": "tick", "ttl_seconds": 8}
            add(redis, fresh("e"), late, **odd)
    each(usher, drained, "parked")
    assert set(drained) <= parked(usher)
    assert served(usher) < 10
    for instance_id in waits:
        given = {"events": 1, "file": "/dev/null"}
        usher.request("counting_workflow", instance_id=instance_id, input=given)
    for number, instance_id in enumerate(waits):
        assert usher.notice(instance_id, seconds=60)["output"] == [number]
    each(usher, drained, "delivered")
    each(usher, expired, "expired")
    for event_id in expired:
        letter = usher.dead_letter(event_id)
        assert letter["reason"] == Reason.EXPIRED
    for number, instance_id in enumerate(waits):  # too late: dead letters that can be redriven
        late = {"instance_id": instance_id, "event": "tick", "data": number}
        add(redis, f"late-{instance_id}", late, **ODD[number])
    for instance_id in waits:
        letter = usher.dead_letter(f"late-{instance_id}")
        assert letter["reason"] == Reason.INSTANCE_FINISHED
        headers = {"content-type": "application/cloudevents+json"}
        answer = usher.post(
            "/events",
            content=redrive.cloudevent(DeadLetter.model_validate(letter)),
            headers=headers,
        )
        assert answer.status_code == 202, answer.text
    again = [f"late-{instance_id}" for instance_id in waits]
    eventually(
        lambda: [usher.dead_letter(one)["attempts"] for one in again], lambda n: set(n) == {2}
    )
    mine = {*drained, *expired, *(f"late-{one}" for one in waits)}
    assert [one for one in _audit(usher).findings if one.id in mine] == []


BROKEN: list[Any] = [
    "not json",
    "[1]",
    "{}",
    json.dumps({"key": 1, "topic": "nowhere", "disposition": "odd", "at": "never"}),
    json.dumps({"keys": "text"}),
    json.dumps({"keys": [1, None]}),
    [],
]
"""What somebody may write over a record: its text, or for `[]` another kind of value."""


def break_record(redis: Redis, name: str, what: Any) -> None:
    key = LEDGER + name
    if isinstance(what, str):
        redis.hset(key, mapping={"data": what, "version": 7})
    else:
        redis.delete(key)
        redis.rpush(key, "x")


def test_a_broken_record_ends_its_own_event_and_no_other(usher: Driver, redis: Redis) -> None:
    events = [fresh("event") for _ in BROKEN]
    starts = [fresh("start") for _ in BROKEN]
    listed = [fresh("listed") for _ in BROKEN]
    names: list[str] = []
    for event_id, start, instance in zip(events, starts, listed, strict=True):
        early = {"instance_id": instance, "event": "tick", "data": 1, "ttl_seconds": 30}
        usher.cloudevent("workflow-events", event_id, early)
        usher.cloudevent("workflow-events", f"whole-{event_id}", early)
        names += [f"instance-{start}", f"ended-{start}"]
    each(usher, [*events, *(f"whole-{one}" for one in events)], "parked")
    for what, event_id, start, instance in zip(BROKEN, events, starts, listed, strict=True):
        for name in (
            f"event-{identity.event_key('/tests', event_id)}",
            f"parked-{instance}",
            f"instance-{start}",
            f"ended-{start}",
        ):
            break_record(redis, name, what)
    usher.get("orchestrator", "/parked", limit=1000)
    usher.get("orchestrator", "/waiting", limit=1000)
    assert served(usher) < 10
    for event_id, start, instance in zip(events, starts, listed, strict=True):
        usher.cloudevent(
            "workflow-requests", start, {"workflow": "hello_workflow", "instance_id": start}
        )
        again = {"instance_id": instance, "event": "tick", "data": 1, "ttl_seconds": 30}
        usher.cloudevent("workflow-events", event_id, again)
        given = {"events": 1, "seconds": 120}
        usher.request("counting_workflow", instance_id=instance, input=given)
    for event_id, start, instance in zip(events, starts, listed, strict=True):
        letter = usher.dead_letter(event_id)
        assert (letter["reason"], "broken" in letter["message"]) == (Reason.HANDLER_ERROR, True)
        assert usher.dead_letter(start)["reason"] == Reason.HANDLER_ERROR
        assert usher.notice(instance, seconds=60)["output"] == [1]
    each(usher, [f"whole-{one}" for one in events], "delivered")
    with usher.away("orchestrator"):  # and again at a start
        pass
    assert served(usher) < 30  # an entry that the sidecar had in hand comes again after 10 s
    usher.get("orchestrator", "/parked", limit=1000)
    findings: list[Document] = [vars(one) for one in _audit(usher).findings]
    named = {one["id"] for one in findings if "cannot be read" in one["missing"]}
    assert set(events) <= named
    for name in [*names, *(f"event-{identity.event_key('/tests', one)}" for one in events)]:
        redis.delete(LEDGER + name)
    metrics = usher.http.get(usher.url("orchestrator", "/metrics")).text
    assert "usher_parked_events" in metrics
