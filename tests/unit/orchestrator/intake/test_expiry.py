"""When an event expires, what is refused of it, and what is repeated all the same."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.expiry import deadline
from contracts.redrive import cloudevent
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.intake.actions import Park, Refuse
from orchestrator.intake.arrival import arrive
from orchestrator.intake.decision import decide
from orchestrator.intake.facts import Facts
from orchestrator.ledger.records import Disposition
from tests.support.answers import dead_letter
from tests.support.memory import World
from tests.unit.protocol.test_protocol_crashes import age

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
START = {"workflow": "hello_workflow"}
RAISE = {"instance_id": "i-1", "event": "go"}


def event(command: Any = None, **attributes: Any) -> CloudEvent:
    body = json.dumps(command or START).encode()
    return CloudEvent("e-1", "/test", "t", body, attributes=attributes)


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [
        ({"expiration": "2030-01-01T12:00:05Z"}, 5),
        ({"expiration": "2030-01-01T13:00:05.250+01:00"}, 5.25),
        ({"expirytime": "2030-01-01t12:00:05z"}, 5),
        ({"ttlinseconds": 7, "time": "2030-01-01T12:00:00Z"}, 7),
        ({"ttlInSeconds": "7", "time": "2030-01-01T11:59:55.123456789Z"}, 2.123456),
        ({"ttlinseconds": 7}, 7),
        ({"ttlinseconds": 7, "expiration": "2030-01-01T12:00:05Z"}, 5),
        ({"ttlinseconds": 0}, 0),
        ({"ttlinseconds": 10**30, "time": "2030-01-01T12:00:00Z"}, 10**9),
    ],
)
def test_a_deadline_is_the_earliest_that_an_event_has(
    attributes: dict[str, Any], seconds: float
) -> None:
    found = deadline(event(**attributes), NOW)
    assert found is not None
    assert found.at == NOW + timedelta(seconds=seconds)
    assert found.field in attributes
    assert found.passed(found.at - timedelta(microseconds=1)) is None
    late = found.passed(found.at)
    assert late is not None
    assert (late.reason, late.field) == (Reason.EXPIRED, found.field)


@pytest.mark.parametrize("attributes", [{}, {"expiration": None}, {"expiration": ""}, {"time": 7}])
def test_an_event_without_one_never_expires(attributes: dict[str, Any]) -> None:
    assert deadline(event(**attributes), NOW) is None


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"expiration": "tomorrow"}, "expiration"),
        ({"expiration": "2030-01-01"}, "expiration"),
        ({"expiration": "2030-01-01T12:00:05"}, "expiration"),
        ({"expiration": "2030-02-30T12:00:05Z"}, "expiration"),
        ({"expiration": 1893499205}, "expiration"),
        ({"expirytime": {}}, "expirytime"),
        ({"ttlinseconds": "5s"}, "ttlinseconds"),
        ({"ttlinseconds": -1}, "ttlinseconds"),
        ({"ttlinseconds": True}, "ttlinseconds"),
        ({"ttlInSeconds": 5, "time": "noon"}, "time"),
    ],
)
def test_what_cannot_be_read_is_refused_and_named(attributes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        deadline(event(**attributes), NOW)
    assert (refused.value.reason, refused.value.field) == (Reason.INVALID_EVENT, field)


def facts(one: CloudEvent, entry: bool = False) -> Facts:
    topic = Topic.REQUESTS if b"workflow" in one.body else Topic.EVENTS
    arrival = arrive(topic, one)
    begun = arrival.entry(Disposition.CLAIMED) if entry else None
    return Facts(arrival, timedelta(hours=1), entry=begun)


@pytest.mark.parametrize("command", [START, RAISE, {"instance_id": "i-1", "control": "suspend"}])
def test_whatever_an_expired_event_asks_is_refused(command: dict[str, Any]) -> None:
    found = decide(facts(event(command, expiration="2020-01-01T00:00:00Z")))
    assert isinstance(found, Refuse)
    assert (found.why.reason, found.why.field) == (Reason.EXPIRED, "expiration")


def test_an_event_that_was_begun_in_time_is_gone_on_with() -> None:
    found = decide(facts(event(RAISE, expiration="2020-01-01T00:00:00Z"), entry=True))
    assert isinstance(found, Park)
    assert found.wait == timedelta(0)


def test_a_parked_event_waits_no_longer_than_it_lives() -> None:
    found = decide(facts(event(RAISE, ttlinseconds=60)))
    assert isinstance(found, Park)
    assert timedelta(seconds=50) < found.wait <= timedelta(seconds=60)


@pytest.mark.parametrize("begun", [True, False])
async def test_a_late_start_is_refused_unless_it_was_begun_in_time(begun: bool) -> None:
    world = World()
    late = event(START, expiration="2020-01-01T00:00:00Z")
    if begun:
        await world.ledger.create(arrive(Topic.REQUESTS, late).entry(Disposition.CLAIMED))
        await age(world)
    outcome = await world.serve(Topic.REQUESTS, late)
    assert outcome.disposition is (Disposition.STARTED if begun else Disposition.DEAD_LETTERED)


def test_a_redrive_leaves_the_old_deadline_behind() -> None:
    old = {"expiration": "2020-01-01T00:00:00Z", "ttlInSeconds": 5, "expirytime": "x"}
    letter = dead_letter(event={"id": "e", "source": "/s", "data": START, **old})
    sent = json.loads(cloudevent(letter))
    assert deadline(CloudEvent.from_dict(sent), NOW) is None
