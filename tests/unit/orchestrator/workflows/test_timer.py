"""The timer workflow by hand."""

from datetime import timedelta

from orchestrator.workflows.timer_workflow import Nap, timer_workflow
from tests.support.replay import STARTED, play


def test_it_sleeps_for_as_long_as_told() -> None:
    played = play(timer_workflow, Nap(seconds=90), {"timer": None})
    (step,) = played.steps
    assert step.options["timeout"] == STARTED + timedelta(seconds=90)
    assert played.output == {
        "seconds": 90,
        "due_at": "2030-01-01T00:01:30Z",
        "woke_at": "2030-01-01T00:01:30Z",
    }
    assert played.statuses == ["sleeping until 2030-01-01T00:01:30Z", "awake"]


def test_it_sleeps_fifteen_seconds_by_default() -> None:
    (step,) = play(timer_workflow, Nap(), {"timer": None}).steps
    assert step.options["timeout"] == STARTED + timedelta(seconds=15)
