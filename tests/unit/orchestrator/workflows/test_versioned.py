"""The versioned workflow by hand: before the patch, and after it."""

from typing import Any

from orchestrator.workflows.versioned_workflow import (
    Purchase,
    discount_activity,
    price_activity,
    versioned_workflow,
)
from tests.support.replay import Played, Step, activity_context, play


def run_of(paid: Any = None, **options: Any) -> Played:
    def price(step: Step) -> float:
        return price_activity(activity_context(), step.input)

    def discount(step: Step) -> float:
        return discount_activity(activity_context(), step.input)

    answers = {"price_activity": price, "discount_activity": discount, "paid": paid}
    return play(versioned_workflow, Purchase(price=200), answers, **options)


def test_a_new_instance_takes_the_patched_way() -> None:
    played = run_of()
    assert played.output == {"price": 180, "paid": True}
    assert [s.name for s in played.steps] == ["price_activity", "discount_activity", "paid"]


def test_an_instance_from_before_the_patch_schedules_what_it_did_then() -> None:
    played = run_of(unpatched=["discount"])
    assert played.output == {"price": 200, "paid": True}
    assert [step.name for step in played.steps] == ["price_activity", "paid"]


def test_what_is_not_paid_in_time_is_not_paid() -> None:
    assert run_of(TimeoutError("too late")).output == {"price": 180, "paid": False}
