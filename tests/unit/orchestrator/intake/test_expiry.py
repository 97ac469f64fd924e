"""When an event expires, what is refused of it, and what is repeated all the same."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.expiry import deadline
from contracts.redrive import cloudevent
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.authoring.catalogue import Catalogue
from orchestrator.engine.client import Engine
from orchestrator.intake.decider import Decider, Park
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Disposition, begun
from orchestrator.ledger.store import Store
from tests.support.memory import MemoryStore

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
START = {"workflow": "hello_workflow"}
RAISE = {"instance_id": "i-1", "event": "go"}


class Nobody:
    async def state(self, _: str) -> None:
        return None


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


def decider() -> tuple[Decider, Ledger]:
    ledger = Ledger(cast(Store, MemoryStore()))
    nobody = cast(Engine, Nobody())
    return Decider(Catalogue.scan(), nobody, ledger, timedelta(hours=1)), ledger


@pytest.mark.parametrize("command", [START, RAISE, {"instance_id": "i-1", "control": "suspend"}])
async def test_whatever_an_expired_event_asks_is_refused(command: dict[str, Any]) -> None:
    topic = Topic.REQUESTS if command is START else Topic.EVENTS
    with pytest.raises(Refused) as refused:
        await decider()[0].decide(topic, event(command, expiration="2020-01-01T00:00:00Z"))
    assert (refused.value.reason, refused.value.field) == (Reason.EXPIRED, "expiration")


async def test_an_event_that_was_begun_in_time_is_gone_on_with() -> None:
    deciding, ledger = decider()
    late = event(RAISE, expiration="2020-01-01T00:00:00Z")
    await ledger.create(begun(late, Topic.EVENTS, Disposition.CLAIMED))
    assert await deciding.decide(Topic.EVENTS, late) == Park("i-1", timedelta(0))


async def test_a_parked_event_waits_no_longer_than_it_lives() -> None:
    found = await decider()[0].decide(Topic.EVENTS, event(RAISE, ttlinseconds=60))
    assert isinstance(found, Park)
    assert timedelta(seconds=50) < found.wait <= timedelta(seconds=60)


def test_a_redrive_leaves_the_old_deadline_behind() -> None:
    old = {"expiration": "2020-01-01T00:00:00Z", "ttlInSeconds": 5, "expirytime": "x"}
    letter = {"event": {"id": "e", "source": "/s", "data": START, **old}, "attempts": 1}
    sent = json.loads(cloudevent(letter))
    assert deadline(CloudEvent.from_dict(sent), NOW) is None
