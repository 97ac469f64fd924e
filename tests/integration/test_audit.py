"""P2: `usher audit` names each entry of the streams that nothing accounts for, and no other.

Each sabotage is undone, so that what other tests audit is whole.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from contracts import calls, identity
from contracts.brokers import other_brokers
from contracts.cloudevent import CloudEvent
from contracts.letters import letter_id
from contracts.topics import READ_BY, Topic
from tests.integration.test_promises import _settled, _tick
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh
from usher.audit.auditor import Auditor
from usher.audit.readers import readers
from usher.audit.report import Report
from usher.audit.sources import AUDITED
from usher.client import Client
from usher.stack.kafka import address

LEDGER = "orchestrator||"


@pytest.fixture
def redis(usher: Driver) -> Iterator[Redis]:
    with usher.redis(decode_responses=True) as client:
        yield client


def _audit(usher: Driver) -> Report:
    services = ("starter", "orchestrator", "notifier")
    urls: Any = {name: usher.url(name, "") for name in services}
    client = Client(usher.http, urls)
    metadata: dict[str, Any] = client.send(calls.sidecar("orchestrator"))
    elsewhere = other_brokers(metadata)
    with (
        usher.redis() as raw,
        readers(raw, elsewhere, address(usher.settings), usher.settings.names) as reader_of,
    ):
        return Auditor(reader_of, client, lambda _: None).run()


def _missing(usher: Driver, event_id: str) -> list[str]:
    """What the audit misses of an event, once per entry that it names."""
    return [one.missing for one in _audit(usher).findings if one.id == event_id]


def _key(event_id: str) -> str:
    return identity.event_key("/tests", event_id)


def _acknowledged(usher: Driver) -> None:
    """Wait until all is acknowledged. What is not is still being served, and so not missed."""
    for topic, group in READ_BY.items():
        eventually(lambda at=(topic, group): usher.pending(*at), lambda n: n == 0)  # type: ignore[misc]


def _started(usher: Driver, **command: Any) -> str:
    event_id = fresh("event")
    data = {"workflow": "hello_workflow", "input": "Ada", **command}
    usher.cloudevent("workflow-requests", event_id, data)
    _settled(usher, event_id)
    instance = command.get("instance_id") or f"hello_workflow-ce-{_key(event_id)}"
    usher.notice(instance)
    with usher.records() as records:
        eventually(lambda: records.exists(f"{LEDGER}ended-{instance}"), bool)
    _acknowledged(usher)
    return event_id


def _put_aside(usher: Driver) -> tuple[str, str]:
    event_id = fresh("event")
    usher.cloudevent("workflow-requests", event_id, {"workflow": "no_such_workflow"})
    usher.dead_letter(event_id)
    _settled(usher, event_id)
    _acknowledged(usher)
    return event_id, letter_id(Topic.REQUESTS, CloudEvent(event_id, "/tests", "test", b""))


@contextmanager
def _without(usher: Driver, key: str) -> Iterator[None]:
    """Take a record of the ledger away, and put it back."""
    with usher.records() as records, records.without(LEDGER + key):
        yield


@contextmanager
def _edited(usher: Driver, event_id: str, **changes: Any) -> Iterator[None]:
    """Edit a row of the ledger, and undo it."""
    with usher.records() as records, records.edited(f"{LEDGER}event-{_key(event_id)}", **changes):
        yield


def test_p2_what_was_served_is_accounted_for_whatever_became_of_it(usher: Driver) -> None:
    instance = fresh("hello")
    served = [_started(usher, instance_id=instance), _started(usher)]
    copy = fresh("event")
    command = {"workflow": "hello_workflow", "input": "Ada", "instance_id": instance}
    for _ in range(2):
        usher.cloudevent("workflow-requests", copy, command)
    letter, _ = _put_aside(usher)
    parked = _tick(usher, fresh("nobody"), 1)
    expired = _tick(usher, fresh("nobody"), 1, ttl_seconds=0)
    for one in (copy, parked, expired):
        _settled(usher, one)
    usher.dead_letter(expired)
    report = _audit(usher)
    mine = {*served, copy, letter, parked, expired}
    assert [one for one in report.findings if one.id in mine] == []
    assert report.dispositions["parked"] >= 1
    assert report.entries > report.events
    totals = report.as_json()
    counted = sum(totals["dispositions"].values()) + totals["open"] + totals["forgotten"]
    named = sum(1 for one in report.findings if one.entry)
    assert counted + named == totals["events"] == totals["entries"] - totals["duplicates"]


def test_p2_entries_without_identity_are_known_by_what_they_hold(
    usher: Driver, redis: Redis
) -> None:
    held = [
        b"not json",
        json.dumps({"a": 1, "of": fresh("x"), "l": [1, 2.5, None, "é<&>"]}).encode(),
        json.dumps(
            {
                "specversion": "1.0",
                "id": "",
                "source": fresh("x"),
                "type": "t",
                "datacontenttype": "application/json",
                "data": {"n": 1e30, "of": [1, {"a": True}]},
            }
        ).encode(),
    ]
    ids = [usher.append("workflow-requests", one) for one in held]
    _acknowledged(usher)
    assert [one for one in _audit(usher).findings if one.entry in ids] == []
    letters: Any = redis.hkeys("usher:dead-letters")
    with_source = [one for one in usher.dead_letters() if one["id"] in letters]
    (last,) = [
        one for one in with_source if one["event"].get("source") == json.loads(held[2])["source"]
    ]
    kept: Any = redis.hget("usher:dead-letters", last["id"])
    redis.hdel("usher:dead-letters", last["id"])
    try:
        assert [one.entry for one in _audit(usher).findings if one.entry in ids] == [ids[2]]
    finally:
        redis.hset("usher:dead-letters", last["id"], kept)


def test_p2_a_deleted_row_of_the_ledger_is_named(usher: Driver) -> None:
    event_id = _started(usher)
    assert _missing(usher, event_id) == []
    with _without(usher, f"event-{_key(event_id)}"):
        (missing,) = _missing(usher, event_id)
        assert "neither the ledger nor a dead letter" in missing
        told = run_usher(usher, "audit", code=1)
        assert event_id in [one["id"] for one in told["findings"]]
    assert _missing(usher, event_id) == []


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("instance-{instance}", "does not say that it took the instance id"),
        ("ended-{instance}", "no trace of the run"),
    ],
)
def test_p2_a_start_without_its_traces_is_named(usher: Driver, record: str, said: str) -> None:
    instance = fresh("hello")
    event_id = _started(usher, instance_id=instance)
    usher.publish("workflow-events", {"instance_id": instance, "control": "purge"})
    eventually(lambda: usher.status(instance), lambda status: status is None)
    assert _missing(usher, event_id) == []
    with _without(usher, record.format(instance=instance)):
        (missing,) = _missing(usher, event_id)
        assert said in missing


def test_p2_a_deleted_dead_letter_is_named(usher: Driver, redis: Redis) -> None:
    event_id, letter = _put_aside(usher)
    assert _missing(usher, event_id) == []
    kept: Any = redis.hget("usher:dead-letters", letter)
    assert redis.hdel("usher:dead-letters", letter) == 1
    try:
        (missing,) = _missing(usher, event_id)
        assert "no such dead letter" in missing
    finally:
        redis.hset("usher:dead-letters", letter, kept)


def test_p2_a_deleted_notice_is_named(usher: Driver, redis: Redis) -> None:
    instance = fresh("hello")
    event_id = _started(usher, instance_id=instance)
    notice = identity.notice_id(instance, _key(event_id))
    place: Any = redis.zscore("usher:notices:order", notice)
    assert redis.zrem("usher:notices:order", notice) == 1
    try:
        (missing,) = _missing(usher, event_id)
        assert "there is no notice of it" in missing
    finally:
        redis.zadd("usher:notices:order", {notice: place})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"disposition": "dead_lettered"}, "no such dead letter"),
        ({"disposition": "delivered"}, "cannot become of it"),
        ({"disposition": "duplicate"}, "another event took"),
        ({"disposition": "claimed"}, "half done"),
        ({"instance_id": "somebody-else"}, "it is for"),
        ({"topic": "workflow-events"}, "as of workflow-events"),
    ],
)
def test_p2_an_edited_row_of_a_start_is_named(
    usher: Driver, changes: dict[str, Any], said: str
) -> None:
    event_id = _started(usher)
    with _edited(usher, event_id, **changes):
        (missing,) = _missing(usher, event_id)
        assert said in missing


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"disposition": "delivered"}, "no trace of the instance"),
        ({"disposition": "expired"}, "no such dead letter"),
        ({"disposition": "controlled"}, "cannot become of it"),
    ],
)
def test_p2_an_edited_row_of_a_parked_event_is_named(
    usher: Driver, changes: dict[str, Any], said: str
) -> None:
    event_id = _tick(usher, fresh("nobody"), 1)
    _settled(usher, event_id)
    _acknowledged(usher)
    with _edited(usher, event_id, **changes):
        (missing,) = _missing(usher, event_id)
        assert said in missing


def test_p2_a_parked_event_that_nothing_will_hand_over_is_named(usher: Driver) -> None:
    instance = fresh("nobody")
    event_id = _tick(usher, instance, 1)
    _settled(usher, event_id)
    _acknowledged(usher)
    assert _missing(usher, event_id) == []
    with _without(usher, f"parked-{instance}"):
        (missing,) = _missing(usher, event_id)
        assert "not on the list" in missing


def test_p2_an_entry_in_flight_is_open_and_one_acknowledged_unserved_is_named(
    usher: Driver,
) -> None:
    event_id = fresh("event")
    event = CloudEvent(event_id, "/tests", "test", b'{"workflow": "hello_workflow"}').to_json()
    with usher.broker() as broker, broker.holding("workflow-requests", "orchestrator") as held:
        entry = held.append(event)  # and nobody serves it
        report = _audit(usher)
        assert report.open >= 1
        assert report.oldest_open_s is not None
        assert entry not in [one.entry for one in report.findings]
        held.acknowledge(entry)
        (missing,) = _missing(usher, event_id)
    assert "neither the ledger nor a dead letter" in missing
    usher.append("workflow-requests", event)
    _settled(usher, event_id)
    assert _missing(usher, event_id) == []


def test_p2_the_names_are_those_of_the_streams() -> None:
    assert {str(topic) for topic in AUDITED} == {"workflow-requests", "workflow-events"}


def test_p2_an_event_that_its_run_never_read_is_named(usher: Driver) -> None:
    run, surplus = fresh("run"), fresh("event")
    given = {"events": 1, "seconds": 120}
    usher.request("counting_workflow", instance_id=run, input=given)
    usher.running(run)
    nobodys = {"instance_id": run, "event": "nobody-asks", "data": 1}
    usher.cloudevent("workflow-events", surplus, nobodys)
    _settled(usher, surplus)
    read = _tick(usher, run, 1)
    assert usher.notice(run)["output"] == [1]
    eventually(lambda: _missing(usher, surplus), bool)
    (missing,) = _missing(usher, surplus)
    assert f"its run '{run}' ended COMPLETED without having read it" in missing
    assert _missing(usher, read) == []


def test_p2_an_event_that_waits_past_its_deadline_is_named(usher: Driver) -> None:
    parked = _tick(usher, fresh("nobody"), 1)
    _settled(usher, parked)
    assert _missing(usher, parked) == []
    late = datetime.now(UTC) - timedelta(minutes=6)
    with _edited(usher, parked, until=late.isoformat()):
        (missing,) = _missing(usher, parked)
        assert "though its deadline was" in missing


def test_p2_of_two_events_of_one_identity_the_one_that_vanished_is_named(usher: Driver) -> None:
    event_id = _started(usher)
    with _edited(usher, event_id, command=None):  # as a version wrote it that kept no digests
        other = {"workflow": "hello_workflow", "input": "Grace"}
        usher.cloudevent("workflow-requests", event_id, other)
        _acknowledged(usher)
        (missing,) = eventually(lambda: _missing(usher, event_id), bool)
        assert "under an id of its own" in missing
