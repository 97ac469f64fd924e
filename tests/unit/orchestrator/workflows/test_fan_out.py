"""The fan-out workflow by hand."""

from typing import Any

from orchestrator.workflows.fan_out_workflow import Batch, fan_out_workflow, square_activity
from tests.support.replay import Played, Step, activity_context, failed, play


def square(step: Step) -> Any:
    try:
        return square_activity(activity_context(), step.input)
    except ValueError as error:
        return failed(str(error), "ValueError")


def run_of(*items: str) -> Played:
    return play(fan_out_workflow, Batch(items=list(items)), {"square_activity": square})


def test_every_item_is_worked_on() -> None:
    played = run_of("2", "3", "4")
    assert played.output == {"results": {"2": 4, "3": 9, "4": 16}, "failed": {}}
    assert [step.input for step in played.steps] == ["2", "3", "4"]
    assert played.custom_status == "3 at once"


def test_one_that_fails_takes_nothing_with_it() -> None:
    played = run_of("2", "three", "4")
    assert played.output["results"] == {"2": 4, "4": 16}
    assert list(played.output["failed"]) == ["three"]
    assert "three" in played.output["failed"]["three"]
    assert played.custom_status == "some failed"


def test_nothing_to_do_is_done_at_once() -> None:
    assert run_of().output == {"results": {}, "failed": {}}


def test_the_default_shows_a_failure_too() -> None:
    assert run_of(*Batch().items).output["results"] == {"1": 1, "2": 4}
