"""The workflows that people's own events and the clock start, by hand."""

from datetime import datetime
from typing import Any

import pytest

from orchestrator.workflows.cart_workflow import Item, cart_workflow
from orchestrator.workflows.purchase_workflow import Purchase, purchase_workflow
from orchestrator.workflows.report_workflow import Night, report_workflow
from tests.support.replay import PENDING, STARTED, play


@pytest.mark.parametrize(
    ("payment", "output"),
    [
        ({"amount": 12}, {"order": "o-1", "status": "paid", "amount": 12}),
        (TimeoutError(), {"order": "o-1", "status": "not paid"}),
    ],
)
def test_a_purchase_is_paid_or_not(payment: Any, output: dict[str, Any]) -> None:
    assert play(purchase_workflow, Purchase(order_id="o-1"), {"paid": payment}).output == output


def test_a_cart_keeps_what_comes_until_it_is_closed() -> None:
    filled = iter(({"cart_id": "c-1", "item": "cake"}, PENDING))
    waits = {"filled": lambda _: next(filled), "closed": PENDING, "timer": PENDING}
    closed = play(cart_workflow, Item(cart_id="c-1", item="tea"), {**waits, "closed": {}})
    assert closed.output == {"cart": "c-1", "items": ["tea"], "bought": True}


def test_a_cart_that_nobody_touches_is_forgotten() -> None:
    waits = {"filled": PENDING, "closed": PENDING, "timer": None}
    forgotten = play(cart_workflow, Item(cart_id="c-1", item="tea"), waits)
    assert forgotten.output == {"cart": "c-1", "items": ["tea"], "bought": False}


@pytest.mark.parametrize("at", [None, datetime(2031, 2, 3)])  # noqa: DTZ001
def test_a_report_is_of_its_night(at: datetime | None) -> None:
    played = play(report_workflow, Night(at=at), {"write_report_activity": "report"})
    assert played.steps[0].input == (at or STARTED).isoformat()
    assert played.output == {"report": "report"}
