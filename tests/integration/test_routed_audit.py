"""P2 for topics of routes: `usher audit` names each routed event that nothing accounts for.

Each sabotage is undone, so that what other tests audit is whole.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.letters import letter_id
from tests.integration.test_audit import LEDGER, _audit, _without
from tests.integration.test_routes import TYPES, order, publish
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh, letters
from usher.audit.report import Unaccounted

START = "shop_order/start"


def steady(usher: Driver) -> None:
    """Wait until the audit is sure of all routes: for 5 s after a change it is not."""

    def young() -> list[str]:
        routes, now = usher.get("orchestrator", "/routes")["items"], datetime.now(UTC)
        since = {one["name"]: datetime.fromisoformat(one["unchanged_since"]) for one in routes}
        return [name for name, at in since.items() if now - at < timedelta(seconds=6)]

    eventually(young, lambda names: not names)


@pytest.fixture(autouse=True)
def _steady(usher: Driver) -> None:
    steady(usher)


def _findings(usher: Driver, event_id: str) -> list[Unaccounted]:
    return [one for one in _audit(usher).findings if one.id == event_id]


def _row(event_id: str, route: str = START) -> str:
    return f"{LEDGER}event-{identity.event_key('/shop', event_id, route)}"


def _acknowledged(usher: Driver, topic: str) -> None:
    eventually(lambda: usher.pending(topic), lambda n: n == 0)


def _started(usher: Driver) -> tuple[str, str]:
    """Place an order; return the id of its event and of its instance."""
    order_id = fresh("order")
    event_id = order(usher, "placed", order_id)
    usher.running(f"shop_order-{order_id}")
    _acknowledged(usher, "orders")
    return event_id, f"shop_order-{order_id}"


def test_p2_routed_events_are_accounted_for_whatever_became_of_them(usher: Driver) -> None:
    placed, instance_id = _started(usher)
    paid = order(usher, "paid", instance_id.removeprefix("shop_order-"))
    again, order_id = fresh("placed"), fresh("order")
    for _ in range(2):
        order(usher, "placed", order_id, again)
    early = order(usher, "paid", fresh("nobody"))
    early_cancel = order(usher, "cancelled", fresh("nobody"))
    without_key = publish(usher, "placed", {})
    without_instance = order(usher, "held", fresh("nobody"))
    unrouted = fresh("unrouted")
    before = _audit(usher).unrouted
    usher.cloudevent("orders", unrouted, {}, type="com.acme.unknown", source="/shop")
    visit = publish(usher, "visit", {"country": "FR", "name": "Ada"})
    for one in (without_key, without_instance):
        eventually(lambda one=one: letters(usher, one), bool)  # type: ignore[misc]
    for topic in ("orders", "payments", "visits"):
        _acknowledged(usher, topic)
    usher.notice(instance_id)
    mine = {placed, paid, again, early, early_cancel, without_key, without_instance}
    report = _audit(usher)
    assert [one for one in report.findings if one.id in {*mine, unrouted, visit}] == []
    assert report.unrouted >= before + 2
    told = run_usher(usher, "audit", code=None)
    assert told["not_audited"] == []
    assert {"workflow-requests", "workflow-events", *TYPES} <= set(told["topics"])
    assert told["unrouted"] >= before + 2


def test_p2_a_deleted_row_of_a_routed_event_is_named_with_its_route(usher: Driver) -> None:
    event_id, _ = _started(usher)
    assert _findings(usher, event_id) == []
    with _without(usher, _row(event_id).removeprefix(LEDGER)):
        (found,) = _findings(usher, event_id)
        assert (found.stream, found.route) == ("orders", START)
        assert "neither the ledger nor a dead letter" in found.missing
        told = run_usher(usher, "audit", code=1)
        named = [(one["id"], one["route"]) for one in told["findings"]]
        assert (event_id, START) in named
    assert _findings(usher, event_id) == []


def test_p2_a_routed_entry_that_the_service_never_saw_is_named(usher: Driver) -> None:
    order_id, event_id = fresh("order"), fresh("placed")
    kind = TYPES["orders"]["placed"]
    body = json.dumps({"order_id": order_id}).encode()
    entry = CloudEvent(event_id, "/shop", kind, body).to_json()
    with usher.broker() as broker, broker.holding("orders", "orchestrator") as held:
        added = held.append(entry)
        assert _findings(usher, event_id) == []  # it is on its way
        held.acknowledge(added)
        (found,) = _findings(usher, event_id)
    assert (found.route, found.entry) == (START, added)
    usher.append("orders", entry)
    usher.running(f"shop_order-{order_id}")
    _acknowledged(usher, "orders")
    assert _findings(usher, event_id) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"disposition": "dead_lettered", "letters": 1}, "no such dead letter"),
        ({"disposition": "delivered"}, "cannot become of it"),
        ({"instance_id": "somebody-else"}, "it is for"),
        ({"topic": "payments"}, "as of payments"),
    ],
)
def test_p2_a_row_of_a_routed_event_that_was_made_by_hand_is_named(
    usher: Driver, changes: dict[str, Any], said: str
) -> None:
    event_id, _ = _started(usher)
    with usher.records() as records, records.edited(_row(event_id), **changes):
        (found,) = _findings(usher, event_id)
        assert (found.route, said in found.missing) == (START, True)


def test_p2_a_row_for_a_run_that_never_was_is_named(usher: Driver) -> None:
    event_id, instance_id = _started(usher)
    with _without(usher, f"instance-{instance_id}"):
        (found,) = _findings(usher, event_id)
        assert "does not say that it took the instance id" in found.missing


def test_p2_a_deleted_dead_letter_of_a_route_is_named(usher: Driver) -> None:
    event_id = publish(usher, "placed", {})
    eventually(lambda: letters(usher, event_id), bool)
    _acknowledged(usher, "orders")
    assert _findings(usher, event_id) == []
    letter = letter_id("orders", CloudEvent(event_id, "/shop", "", b""), START)
    with usher.redis() as redis:
        kept: Any = redis.hget("usher:dead-letters", letter)
        assert redis.hdel("usher:dead-letters", letter) == 1
        try:
            (found,) = _findings(usher, event_id)
            assert (found.route, "no such dead letter" in found.missing) == (START, True)
        finally:
            redis.hset("usher:dead-letters", letter, kept)
