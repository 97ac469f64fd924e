"""The audit of topics of routes: a row or a dead letter for each route that an event is for."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.cloudevent import CloudEvent
from contracts.identity import derived_id, event_key
from contracts.letters import forwarded_id, letter_id
from orchestrator.intake.routed_arrivals import Router
from orchestrator.ledger.route_times import Seen
from tests.support.routed import route
from tests.unit.usher.audit.test_auditor import NOW, World

LONG_AGO = datetime.now(UTC) - timedelta(days=20)
PLACED = route("placed", type="placed", key="data.id", start="w")
COPY = route("copy", type="placed", when="data.total > 100", start="w")
PAID = route("paid", type="paid", key="data.id", deliver="w", event="paid")


def served(*routes: Any, since: Any = LONG_AGO, unchanged: Any = LONG_AGO) -> Router:
    return Router(routes, {one.name: Seen(since, unchanged) for one in routes})


def event(kind: str = "placed", event_id: str = "e", **attributes: Any) -> bytes:
    data = attributes.pop("data", {"id": "7"})
    body = json.dumps(data).encode()
    return CloudEvent(event_id, "/s", kind, body, attributes=attributes).to_json()


@pytest.fixture
def world() -> World:
    world = World()
    world.router = served(PLACED, COPY, PAID)
    return world


def account(world: World, route_name: str, disposition: str, **more: Any) -> None:
    key = event_key("/s", "e", route_name)
    world.account(disposition, **{"key": key, "topic": "orders", "instance_id": "w-7", **more})
    world.accounts[key] = world.accounts.pop(event_key("/s", "e"))


def keep(world: World, letter: str, event_id: str = "e") -> None:
    world.keep()
    kept = {**next(iter(world.letters.values())), "id": letter}
    world.letters = {letter: {**kept, "event": {"source": "/s", "id": event_id}}}


def found(world: World) -> list[tuple[str | None, str | None, str]]:
    return [(one.route, one.id, one.missing) for one in world.audit().findings]


def test_each_route_that_an_event_is_for_must_account_for_it(world: World) -> None:
    world.add("orders", event(data={"id": "7", "total": 200}))
    missing = "acknowledged, but neither the ledger nor a dead letter knows it"
    assert sorted(found(world)) == [("copy", "e", missing), ("placed", "e", missing)]
    account(world, "placed", "started")
    assert found(world) == [("copy", "e", missing)]
    account(world, "copy", "started", instance_id=derived_id("w", event_key("/s", "e", "copy")))
    report = world.audit()
    assert (report.findings, report.entries, report.events) == ([], 2, 2)
    assert report.dispositions == {"started": 2}


def test_an_event_that_no_route_is_for_is_counted_and_needs_no_row(world: World) -> None:
    for one in (event("moved"), event("moved"), event(data={"total": 1}, event_id="f")):
        world.add("orders", one)
    report = world.audit()
    assert report.unrouted == 2
    assert [one.id for one in report.findings] == ["f"]  # without a key, it is a dead letter
    keep(world, letter_id("orders", CloudEvent("f", "/s", "placed", b""), "placed"), "f")
    assert world.audit().findings == []


def test_a_batch_counts_each_event(world: World) -> None:
    world.add("orders", b"[%s, %s]" % (event(), event("moved", "g")))
    account(world, "placed", "started")
    report = world.audit()
    assert (report.events, report.unrouted, report.findings) == (1, 1, [])


def test_what_the_sidecar_forwarded_accounts_for_every_route(world: World) -> None:
    entry = event(data={"id": "7", "total": 200})
    world.add("orders", entry)
    keep(world, forwarded_id(entry))
    assert world.audit().findings == []


@pytest.mark.parametrize(
    ("kind", "route_name", "row", "said"),
    [
        ("placed", "placed", {"disposition": "delivered"}, "cannot become of it"),
        ("placed", "placed", {"instance_id": "w-8"}, "it is for 'w-7'"),
        ("placed", "placed", {"topic": "carts"}, "as of carts"),
        ("placed", "placed", {"missing": "no trace of the run"}, "no trace of the run"),
        ("placed", "placed", {"disposition": "dead_lettered"}, "no such dead letter"),
        ("paid", "paid", {"disposition": "started"}, "cannot become of it"),
    ],
)
def test_a_row_that_was_made_by_hand_is_named(
    world: World, kind: str, route_name: str, row: dict[str, Any], said: str
) -> None:
    world.add("orders", event(kind))
    account(world, route_name, "started" if kind == "placed" else "delivered")
    assert world.missing() == []
    account(world, route_name, **{"disposition": "started", **row})
    ((of, _, missing),) = found(world)
    assert (of, said in missing) == (route_name, True)


def test_an_event_that_cannot_be_served_was_not_started(world: World) -> None:
    world.add("orders", event(data={}))
    account(world, "placed", "started")
    assert any("no_key" in one for one in world.missing())


def test_an_event_before_its_route_or_while_it_is_paused_needs_no_row(world: World) -> None:
    world.router = served(PLACED, since=datetime.now(UTC))
    world.add("orders", event(time=LONG_AGO.isoformat()))
    assert (world.audit().unrouted, world.missing()) == (1, [])
    world.router = served(route("placed", type="placed", key="data.id", start="w", paused=True))
    assert (world.audit().unrouted, world.missing()) == (1, [])


def test_of_events_before_a_route_changed_only_their_rows_are_checked(world: World) -> None:
    world.add("orders", event(), timedelta(hours=1))
    begun = datetime.fromtimestamp(NOW / 1000, UTC)
    world.router = served(PLACED, unchanged=begun - timedelta(minutes=1))
    report = world.audit()
    assert (report.before_change, report.findings) == (1, [])
    account(world, "placed", "started", instance_id="w-of-a-former-key")
    assert world.audit().dispositions == {"started": 1}
    account(world, "placed", "started", missing="no trace of the run")
    assert world.missing() == ["no trace of the run"]
    world.accounts.clear()
    world.add("orders", event())
    assert len(world.missing()) == 1


def test_the_group_of_the_orchestrator_must_have_acknowledged(world: World) -> None:
    world.delivered["orders"] = None
    world.add("orders", event())
    assert (world.audit().open, world.missing()) == (1, [])


def test_topics_of_other_brokers_are_named(world: World) -> None:
    world.router = served(PLACED, route("far", **{"from": "kafka/far"}))
    assert world.audit().not_audited == ["kafka/far"]


def test_an_event_that_its_topic_has_dead_lettered_must_have_a_letter(world: World) -> None:
    rest = route("rest", unmatched="dead-letter")
    world.router = served(PLACED, rest)
    world.add("orders", event("moved"))
    assert [(one.route, one.id) for one in world.audit().findings] == [("rest", "e")]
    account(world, "rest", "dead_lettered", instance_id=None, letters=1)
    assert len(world.missing()) == 1
    keep(world, letter_id("orders", CloudEvent("e", "/s", "moved", b""), "rest"))
    assert (world.missing(), world.audit().unrouted) == ([], 0)
    account(world, "rest", "started")
    assert any("unrouted" in one for one in world.missing())


@pytest.mark.parametrize(
    ("fields", "right"), [({}, False), ({"delay": "1h"}, True), ({"at": "data.id"}, True)]
)
def test_only_a_start_that_is_held_is_parked(
    world: World, fields: dict[str, Any], right: bool
) -> None:
    world.router = served(route("later", type="later", start="w", **fields))
    world.add("orders", event("later", data={"id": "2030-01-31T08:00:00Z"}))
    instance_id = derived_id("w", event_key("/s", "e", "later"))
    account(world, "later", "parked", instance_id=instance_id)
    wrong = "the ledger says parked, which cannot become of it"
    assert world.missing() == ([] if right else [wrong])


@pytest.mark.parametrize(
    ("instance_id", "right"),
    [(derived_id("w-7", "0" * 24), True), (derived_id("w-8", "0" * 24), False), ("w-7-ce-", False)],
)
def test_an_event_may_be_for_one_of_several_runs_of_its_key(
    world: World, instance_id: str, right: bool
) -> None:
    world.add("orders", event("paid"))
    account(world, "paid", "delivered", instance_id=instance_id)
    assert (world.missing() == []) is right
