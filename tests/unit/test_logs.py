"""Log lines: whatever becomes of an event, each line says which event, instance and trace."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from chassis.logs import add_trace_id
from tests.support.at_once import at_once
from tests.support.memory import MemoryEngine, World
from tests.support.neighbours import Neighbours
from tests.support.sidecar import CallFailed, raw_delivery
from tests.support.traceparent import Caller
from tests.unit.notifier.test_inbox import LETTER, NOTICE, Notifier

START = {"workflow": "hello_workflow", "input": "Ada", "instance_id": "i-1"}
APPROVE = {"instance_id": "i-1", "event": "approval", "data": True}
CALLER = Caller()


@contextmanager
def lines() -> Iterator[list[Any]]:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars, add_trace_id]) as said:
        yield said


def about(line: Any) -> tuple[Any, ...]:
    return line["event_id"], line["event_source"], line["instance_id"], line.get("trace_id")


async def take(world: World, command: Any) -> list[Any]:
    deliver = world.inbox.on_request if "workflow" in command else world.inbox.on_event
    with lines() as said:
        await deliver(
            raw_delivery(json.dumps(command).encode(), id="e-7", extensions=CALLER.headers)
        )
    return said


EXPECTED = ("e-7", "/test", "i-1", CALLER.trace_id)


async def test_what_is_served_comes_again_or_is_put_aside() -> None:
    world = World(parked_for=0)
    (started,), (again,) = await take(world, START), await take(world, START)
    assert [started["event"], again["event"]] == ["started", "duplicate"]
    assert about(started) == about(again) == EXPECTED
    (aside,) = await take(World(parked_for=0), APPROVE)
    assert (aside["event"], aside["reason"]) == ("dead_lettered", "unknown_instance")
    assert about(aside) == EXPECTED


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CallFailed(grpc.StatusCode.UNAVAILABLE), ["will be tried again"]),
        (KeyError("bug"), ["the handler failed", "dead_lettered"]),
    ],
    ids=["away", "bug"],
)
async def test_what_goes_wrong(error: Exception, said: list[str]) -> None:
    found = await take(World(MemoryEngine(raises={"schedule": error})), START)
    assert [line["event"] for line in found] == said
    assert {about(line) for line in found} == {EXPECTED}


async def test_what_was_parked_is_handed_over_under_its_own_name() -> None:
    world = World()
    (parked,) = await take(world, APPROVE)
    assert parked["event"] == "parked"
    start = raw_delivery(json.dumps(START).encode(), id="e-1")
    with lines() as said:
        await world.inbox.on_request(start)
    delivered, started = said
    assert (delivered["event"], about(delivered)) == ("delivered", EXPECTED)
    assert (started["event"], started["event_id"]) == ("started", "e-1")


async def test_what_expires() -> None:
    world = World()
    await take(world, APPROVE)
    ((key, _),) = world.engine.timers.values()
    with lines() as said:
        await world.parking.expire(key)
    (line,) = said
    assert (line["event"], line["reason"], about(line)) == ("dead_lettered", "expired", EXPECTED)


EVENT = {"specversion": "1.0", "id": "e-7", "source": "/test", "type": "t", **CALLER.headers}
STRUCTURED = {"content-type": "application/cloudevents+json"}


@pytest.mark.parametrize(
    ("sidecar", "said"),
    [(None, "published"), (httpx.ConnectError("refused"), "not published")],
)
def test_what_the_starter_publishes_or_cannot(sidecar: Exception | None, said: str) -> None:
    with lines() as found:
        content = json.dumps({**EVENT, "data": START})
        Neighbours(sidecar).ask("POST", "/events", content=content, headers=STRUCTURED)
    (line,) = found
    assert (line["event"], about(line)) == (said, EXPECTED)


def test_what_the_starter_refuses() -> None:
    with lines() as found:
        content = json.dumps({**EVENT, "data": {"workflow": 7}})
        Neighbours().ask("POST", "/events", content=content, headers=STRUCTURED)
    (line,) = found
    assert (line["event"], line["field"], line["event_id"]) == ("refused", "workflow", "e-7")


def test_what_the_notifier_hears_or_has_to_hear_again() -> None:
    notifier = Notifier()
    entry = raw_delivery(json.dumps(NOTICE).encode(), id="e-7", extensions=CALLER.headers)
    notifier.notices.away = "put"
    with lines() as found:
        at_once(notifier.inbox.on_completion)(entry)
    assert [about(line) for line in [*found, *notifier.lines]] == [EXPECTED, EXPECTED]


def test_a_dead_letter_is_told_by_its_event() -> None:
    notifier = Notifier()
    notifier.put_aside({**LETTER, "event": {"id": "e-7", "source": "/test", "data": APPROVE}})
    (line,) = notifier.lines
    assert (line["event_id"], line["event_source"], line["instance_id"]) == EXPECTED[:3]
