"""Routes: people's own events start, reach and stop workflows, on the real runtime."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.keys import instance_id_for
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh, letters

TYPES = {
    "orders": {
        "placed": "com.acme.order.placed",
        "cancelled": "com.acme.order.cancelled",
        "held": "com.acme.order.held",
        "released": "com.acme.order.released",
    },
    "payments": {"paid": "com.acme.payment.settled"},
    "carts": {"item": "com.acme.cart.item", "closed": "com.acme.cart.closed"},
    "visits": {"visit": "com.acme.visit"},
}
TOPIC_OF = {name: topic for topic, names in TYPES.items() for name in names}


def publish(usher: Driver, name: str, data: Any, event_id: str | None = None, **more: Any) -> str:
    """Publish a business event; return its id."""
    topic, event_id = TOPIC_OF[name], event_id or fresh(name)
    usher.cloudevent(topic, event_id, data, type=TYPES[topic][name], source="/shop", **more)
    return event_id


def order(usher: Driver, name: str, order_id: Any, event_id: str | None = None) -> str:
    return publish(usher, name, {"order_id": order_id}, event_id)


def test_an_order_is_placed_and_paid(usher: Driver) -> None:
    order_id = fresh("order")
    order(usher, "placed", order_id)
    order(usher, "paid", order_id)
    notice = usher.notice(f"shop_order-{order_id}")
    assert notice["output"] == {"order": order_id, "paid": {"order_id": order_id}}


def test_an_event_may_have_more_fields_than_the_workflow_reads(usher: Driver) -> None:
    order_id = fresh("order")
    publish(usher, "placed", {"order_id": order_id, "customer": {"name": "Ada"}, "lines": [1, 2]})
    order(usher, "paid", order_id)
    assert usher.notice(f"shop_order-{order_id}")["output"]["order"] == order_id


def test_p1_five_copies_of_one_event_are_one_run(usher: Driver) -> None:
    order_id, event_id = fresh("order"), fresh("placed")
    for _ in range(5):
        order(usher, "placed", order_id, event_id)
    order(usher, "paid", order_id)
    assert usher.notice(f"shop_order-{order_id}")["outcome"] == "COMPLETED"
    eventually(lambda: usher.pending("orders"), lambda n: n == 0)
    assert letters(usher, event_id) == []


def test_p4_a_payment_before_its_order_waits(usher: Driver) -> None:
    order_id = fresh("order")
    order(usher, "paid", order_id)
    eventually(lambda: usher.pending("payments"), lambda n: n == 0)
    order(usher, "placed", order_id)
    assert usher.notice(f"shop_order-{order_id}")["output"]["paid"] == {"order_id": order_id}


def test_an_order_that_runs_is_cancelled(usher: Driver) -> None:
    order_id = fresh("order")
    order(usher, "placed", order_id)
    usher.running(f"shop_order-{order_id}")
    order(usher, "cancelled", order_id)
    assert usher.notice(f"shop_order-{order_id}")["outcome"] == "TERMINATED"


def test_an_order_that_was_cancelled_first_never_starts(usher: Driver) -> None:
    order_id = fresh("order")
    order(usher, "cancelled", order_id)
    eventually(lambda: usher.pending("orders"), lambda n: n == 0)
    placed = order(usher, "placed", order_id)
    (letter,) = eventually(lambda: letters(usher, placed), bool)
    assert letter["reason"] == "cancelled_early"
    assert usher.status(f"shop_order-{order_id}") is None


def test_an_order_is_held_and_released(usher: Driver) -> None:
    order_id = fresh("order")
    instance_id = f"shop_order-{order_id}"
    order(usher, "placed", order_id)
    usher.running(instance_id)
    order(usher, "held", order_id)
    eventually(lambda: usher.status(instance_id), lambda status: status == "SUSPENDED")
    order(usher, "released", order_id)
    order(usher, "paid", order_id)
    assert usher.notice(instance_id)["outcome"] == "COMPLETED"


def test_two_first_events_of_a_cart_at_once_are_one_run(usher: Driver) -> None:
    cart = fresh("cart")
    for sku in ("a", "b", "a"):
        publish(usher, "item", {"cart": cart, "sku": sku})
    publish(usher, "closed", {"cart": cart})
    assert usher.notice(f"shop_cart-{cart}")["output"] == ["a", "a", "b"]


@pytest.mark.parametrize("key", ["a/b", "*", "🛒", "x" * 300, 7, True, "a b"])
def test_any_scalar_is_a_key(usher: Driver, key: Any) -> None:
    mark = fresh("")
    key = f"{key}{mark}" if isinstance(key, str) else key
    placed = order(usher, "placed", key)
    text = key if isinstance(key, str) else json.dumps(key)
    instance_id = instance_id_for("shop_order", text)
    order(usher, "paid", key)
    assert usher.notice(instance_id)["output"]["order"] == key
    assert letters(usher, placed) == []


@pytest.mark.parametrize("data", [{}, {"order_id": None}, {"order_id": ""}, {"order_id": [1]}])
def test_an_event_without_a_key_is_a_dead_letter(usher: Driver, data: Any) -> None:
    event_id = publish(usher, "placed", data)
    (letter,) = eventually(lambda: letters(usher, event_id), bool)
    assert (letter["reason"], letter["route"]) == ("no_key", "shop_order/start")
    assert "order_id" in letter["field"]


def test_a_condition_that_does_not_hold_starts_nothing(usher: Driver) -> None:
    other = publish(usher, "visit", {"country": "FR", "name": "Ada"})
    missing = publish(usher, "visit", {"name": "Ada"})
    failing = publish(usher, "visit", {"country": 7, "name": "Ada"})
    good = fresh("Grace")
    publish(usher, "visit", {"country": "DE", "name": good})
    eventually(
        lambda: usher.get("notifier", "/notices", limit=1000)["items"],
        lambda found: any(n["output"] == good for n in found),
    )
    for event_id in (other, missing, failing):
        assert [one["reason"] for one in letters(usher, event_id)] in ([], ["route_condition"])


def test_a_dead_letter_of_a_route_is_redriven_on_its_topic(usher: Driver) -> None:
    order_id = fresh("order")
    order(usher, "cancelled", order_id)
    eventually(lambda: usher.pending("orders"), lambda n: n == 0)
    placed = order(usher, "placed", order_id)
    eventually(lambda: letters(usher, placed), bool)
    done = run_usher(usher, "redrive", "--id", placed, "--yes")
    assert [one["done"] for one in done["items"]] == ["published"]
    order(usher, "paid", order_id)
    assert usher.notice(f"shop_order-{order_id}")["outcome"] == "COMPLETED"


def test_an_event_is_sent_and_explained_by_its_topic(usher: Driver, tmp_path: Path) -> None:
    order_id, event_id = fresh("order"), fresh("placed")
    data = json.dumps({"order_id": order_id})
    kind = TYPES["orders"]["placed"]
    event = {"specversion": "1.0", "id": event_id, "source": "/usher/send", "type": kind}
    file = tmp_path / "event.json"
    file.write_text(json.dumps({**event, "data": {"order_id": order_id}}))
    before = run_usher(usher, "explain", str(file), "--topic", "orders")
    assert (before["disposition"], before["route"]) == ("started", "shop_order/start")
    assert before["instance_id"] == f"shop_order-{order_id}"
    sent = run_usher(usher, "send", "orders", data, "--type", kind, "--id", event_id)
    assert sent["event_id"] == event_id
    usher.running(f"shop_order-{order_id}")
    traced = run_usher(usher, "trace", event_id)
    assert (traced["event"]["route"], traced["instance"]["status"]) == (
        "shop_order/start",
        "RUNNING",
    )
    after = run_usher(usher, "explain", str(file), "--topic", "orders")
    assert after["disposition"] == "duplicate"
    file.write_text(json.dumps({**event, "type": "com.acme.unknown", "data": {}}))
    unrouted = run_usher(usher, "explain", str(file), "--topic", "orders")
    assert unrouted["disposition"] == "unrouted"


def test_the_starter_refuses_a_topic_that_no_route_names(usher: Driver) -> None:
    event = {"specversion": "1.0", "id": "e", "source": "/s", "type": "t", "data": {}}
    head = {"content-type": "application/cloudevents+json"}
    for topic in ("nobody", "workflow-completions", "nothing/orders"):
        answer = usher.post("/events", params={"topic": topic}, json=event, headers=head)
        assert answer.status_code == 422, topic
        assert answer.json()["errors"][0]["field"] == "topic"
