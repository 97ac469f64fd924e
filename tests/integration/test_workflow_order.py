"""An order is shipped, or undone step by step, last first, on the real runtime."""

from tests.support.driver import Driver, fresh
from tests.support.recorded import assert_replays


def _activities(usher: Driver, instance: str) -> list[str]:
    events = usher.get("orchestrator", f"/instances/{instance}/history")["items"]
    return [event["name"] for event in events if event["type"] == "TASK_SCHEDULED"]


def test_an_order_that_is_shipped_completes(usher: Driver) -> None:
    instance = fresh("order")
    usher.request("order_workflow", instance_id=instance, input={"item": "a lamp", "amount": 20})
    usher.running(instance)

    usher.event(instance, "shipped", {"tracking": "T1"})

    notice = usher.notice(instance)
    assert notice["outcome"] == "COMPLETED"
    assert notice["output"] == {
        "status": "shipped",
        "item": "a lamp",
        "shipment": {"tracking": "T1"},
    }
    assert notice["custom_status"] == "shipped"
    assert_replays(usher, instance)
    assert _activities(usher, instance) == ["reserve_activity", "pay_activity"]


def test_a_declined_card_is_tried_three_times_and_the_order_undone(usher: Driver) -> None:
    instance = fresh("order")
    usher.request("order_workflow", instance_id=instance, input={"card": "declined"})

    notice = usher.notice(instance)

    assert notice["outcome"] == "COMPLETED"
    assert notice["output"]["status"] == "cancelled"
    assert "declined" in notice["output"]["reason"]
    assert notice["output"]["undone"] == ["refund_activity", "release_activity"]
    assert_replays(usher, instance)
    assert _activities(usher, instance) == [
        "reserve_activity",
        *["pay_activity"] * 3,
        "refund_activity",
        "release_activity",
    ]


def test_an_order_nobody_ships_is_undone_at_its_deadline(usher: Driver) -> None:
    instance = fresh("order")
    usher.request("order_workflow", instance_id=instance, input={"ship_within_seconds": 1})

    notice = usher.notice(instance)

    assert notice["output"]["status"] == "cancelled"
    assert "shipped" in notice["output"]["reason"]
    assert notice["custom_status"] == "cancelled"
    assert_replays(usher, instance)
    assert _activities(usher, instance)[2:] == ["refund_activity", "release_activity"]
