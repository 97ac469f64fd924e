"""The order workflow by hand: shipped, or undone in reverse from wherever it failed."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.workflows.order_workflow import (
    Order,
    order_workflow,
    pay_activity,
    refund_activity,
    release_activity,
    reserve_activity,
)
from tests.support.replay import Played, activity_context, failed, play

WORKS: dict[str, Any] = {
    "reserve_activity": None,
    "pay_activity": None,
    "shipped": {"tracking": "T1"},
    "refund_activity": None,
    "release_activity": None,
}
ORDER = Order(item="a lamp", amount=20)
UNDOING = ["undoing", "cancelled"]


def run_of(**answers: Any) -> Played:
    return play(order_workflow, ORDER, {**WORKS, **answers})


def test_an_order_is_reserved_paid_and_shipped() -> None:
    played = run_of()
    assert played.output == {
        "status": "shipped",
        "item": "a lamp",
        "shipment": {"tracking": "T1"},
    }
    assert [step.name for step in played.steps] == ["reserve_activity", "pay_activity", "shipped"]
    assert played.statuses == ["reserving", "paying", "waiting for shipped", "shipped"]
    assert played.named("shipped")[0].options["timeout"] == timedelta(seconds=60)


@pytest.mark.parametrize(
    ("failing", "error", "stages", "undone"),
    [
        ("reserve_activity", failed("none left"), 1, ["release_activity"]),
        ("pay_activity", failed("declined"), 2, ["refund_activity", "release_activity"]),
        ("shipped", TimeoutError("too late"), 3, ["refund_activity", "release_activity"]),
    ],
)
def test_what_was_begun_is_undone_last_first(
    failing: str, error: Exception, stages: int, undone: list[str]
) -> None:
    played = run_of(**{failing: error})
    assert played.output["status"] == "cancelled"
    assert played.output["undone"] == undone
    assert str(error) == played.output["reason"]
    names = [step.name for step in played.steps]
    assert names == [*["reserve_activity", "pay_activity", "shipped"][:stages], *undone]
    assert played.statuses[stages:] == UNDOING


def test_every_activity_is_tried_three_times() -> None:
    played = run_of(shipped=TimeoutError("too late"))
    activities = [step for step in played.steps if step.kind == "activity"]
    assert {step.options["retry_policy"].max_number_of_attempts for step in activities} == {3}


def test_a_compensation_that_fails_for_good_fails_the_workflow() -> None:
    error = failed("the bank is away")
    played = run_of(shipped=TimeoutError("too late"), refund_activity=error)
    assert played.error is error


def test_a_declined_card_is_refused_and_another_is_not() -> None:
    with pytest.raises(PermissionError, match="declined"):
        pay_activity(activity_context(), Order(card="declined"))
    for activity in (reserve_activity, pay_activity, refund_activity, release_activity):
        activity(activity_context(), ORDER)
