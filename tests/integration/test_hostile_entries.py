"""Hostile entries on every topic: each ends visibly, and healthy events are served meanwhile."""

import json
import time
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from tests.support.command import run_usher
from tests.support.driver import Document, Driver, eventually, fresh

KB, MB = 1024, 1024 * 1024
SERVED_WITHIN = 20


def _event(event_id: str, data: bytes) -> bytes:
    head = {"specversion": "1.0", "id": event_id, "source": "/tests", "type": "test"}
    return json.dumps(head).encode()[:-1] + b', "data": ' + data + b"}"


SHAPES: dict[str, Callable[[str, int], bytes]] = {
    "a string without an end": lambda i, size: _event(i, b'"' + b'\\"' * (size // 2))[:-1],
    "strings between quotes": lambda i, size: _event(i, b"[" + b'"\\",' * (size // 4) + b"1]"),
    "keys that repeat": lambda i, size: _event(
        i, (json.dumps({f"k{n}": 1 for n in range(size // 12)})[:-1] + ', "a": 1, "a": 1}').encode()
    ),
    "lists in a list": lambda i, size: _event(i, b"[" + b"[]," * (size // 3) + b"[]]"),
    "a deep list": lambda i, size: _event(i, b"[" * (size // 2) + b"]" * (size // 2)),
    "no JSON": lambda i, size: _event(i, b"{" + b"x}{" * (size // 3)),
    "tiny numbers": lambda i, size: _event(i, b"[" + b"1e-999999," * (size // 10) + b"1]"),
    "a long number": lambda i, size: _event(i, b"9" * size),
    "a large trace": lambda i, size: (
        _event(i, b"{}")[:-1]
        + b', "traceparent": "00-%s-%s-01-%s\\nx"}' % (b"a" * 32, b"b" * 16, b" " * size)
    ),
    "a large time": lambda i, size: _event(i, b"{}")[:-1] + b', "time": "%s"}' % (b"2" * size),
    "many members": lambda i, size: (
        _event(i, b"{}")[:-1] + b"".join(b', "m%d": 1' % n for n in range(size // 12)) + b"}"
    ),
}


@pytest.fixture
def redis(usher: Driver) -> Iterator[Redis]:
    with usher.redis() as client:
        yield client


def served(usher: Driver) -> None:
    """A healthy run starts, gets its event and ends, and every service answers, all in time."""
    begin, healthy = time.monotonic(), fresh("healthy")
    usher.request("approval_workflow", instance_id=healthy)
    usher.event(healthy, "approval", {"approved": True, "by": "Grace"})
    for service in ("starter", "orchestrator", "notifier"):
        usher.get(service, "/healthz")
    assert usher.notice(healthy, seconds=SERVED_WITHIN)["outcome"] == "COMPLETED"
    assert time.monotonic() - begin < SERVED_WITHIN


def unaccounted(usher: Driver, since: float) -> list[Document]:
    """Return what the audit finds in entries since a time: other tests break older ones."""
    found = run_usher(usher, "audit", code=None)["findings"]
    named = [one for one in found if one["entry"]]
    return [one for one in named if int(one["entry"].split("-")[0]) >= since * 1000]


def everything_answers(usher: Driver, since: float) -> None:
    usher.http.get(usher.url("notifier", "/")).raise_for_status()
    usher.dead_letters()
    usher.get("notifier", "/notices", limit=1000)
    assert run_usher(usher, "dead-letters")["items"]
    assert unaccounted(usher, since) == []


@pytest.mark.parametrize("size", [120 * KB, MB])
@pytest.mark.parametrize("topic", ["workflow-requests", "workflow-events"])
def test_hostile_entries_block_no_loop(usher: Driver, redis: Redis, topic: str, size: int) -> None:
    since = time.time()
    mark = fresh("hostile")
    for n, shape in enumerate(SHAPES.values()):
        redis.xadd(topic, {"data": shape(f"{mark}-{n}", size)})
    served(usher)
    eventually(lambda: usher.pending(topic), lambda n: n == 0, seconds=60)
    served(usher)
    everything_answers(usher, since)


@pytest.mark.parametrize("topic", ["workflow-completions", "workflow-dead-letters"])
def test_hostile_entries_to_the_notifier_leave_every_page_whole(
    usher: Driver, redis: Redis, topic: str
) -> None:
    since = time.time()
    entries = [shape(fresh("hostile"), 120 * KB) for shape in SHAPES.values()]
    entries += [b"", b"null", b"7", b"[1]", b"{}", b"\xff\xfe", b"\x1b[2J\x07", b"x" * 10 * MB]
    forged: Document = {"reason": "expired", "message": "m", "topic": "t", "event": {}}
    wrongs: list[Document] = [
        {},
        {"event": []},
        {"attempts": 10**30},
        {"message": "\u202e\x1b[31m", "topic": "\x9b2J"},
        {"event": {"id": ["x"], "source": 7, "redrive": {}}},
        {"first_seen": "never"},
    ]
    for wrong in wrongs:
        data = json.dumps({**forged, **wrong}).encode()
        kind = b'"type": "usher.event.deadlettered.v1"'
        entries.append(_event(fresh("forged"), data).replace(b'"type": "test"', kind))
        infinite = data.replace(b'"m"', b"1e999")
        entries.append(_event(fresh("forged"), infinite).replace(b'"type": "test"', kind))
    for entry in entries:
        redis.xadd(topic, {"data": entry})
    redis.xadd(topic, {"other": "no data at all"})
    served(usher)
    eventually(lambda: usher.pending(topic, "notifier"), lambda n: n == 0, seconds=60)
    everything_answers(usher, since)


@pytest.mark.parametrize("topic", ["workflow-requests", "workflow-events"])
def test_an_event_larger_than_any_message_is_put_aside_and_holds_up_nobody(
    usher: Driver, topic: str
) -> None:
    """A sidecar escapes text: of 3 MB that it takes it makes 18 MB that it delivers."""
    before, since = len(usher.dead_letters(reason="oversize")), time.time()
    usher.publish(topic, b"\x01" * 3 * MB, "text/plain")
    served(usher)

    def put_aside() -> list[Document]:
        return usher.dead_letters(reason="oversize")

    letter = eventually(put_aside, lambda found: len(found) > before)[0]
    assert letter["event"]["id"]
    assert letter["event"]["source"] == "starter"
    assert "the limit is" in letter["message"]
    assert unaccounted(usher, since) == []


def test_an_entry_that_no_sidecar_would_publish_is_put_aside(usher: Driver, redis: Redis) -> None:
    before = len(usher.dead_letters(reason="oversize"))
    for topic in ("workflow-requests", "workflow-events"):
        redis.xadd(topic, {"data": _event(fresh("huge"), b'"' + b"x" * 40 * MB + b'"')})
    served(usher)
    found = eventually(
        lambda: usher.dead_letters(reason="oversize"), lambda found: len(found) >= before + 2, 60
    )
    assert found[0]["event"]["data_bytes"] > 40 * MB
    redriven = run_usher(usher, "redrive", "--reason", "oversize")
    assert {one["would"] for one in redriven["items"]} <= {"impossible", "dead_lettered"}
