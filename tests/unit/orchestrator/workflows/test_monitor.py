"""The monitor workflow by hand, one round at a time."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.workflows.monitor_workflow import Watch, monitor_workflow, poll_activity
from tests.support.replay import Played, activity_context, play


def round_of(watch: Watch) -> Played:
    ready = poll_activity(activity_context(), watch)
    return play(monitor_workflow, watch, {"poll_activity": ready, "timer": None})


def rounds_of(watch: Watch) -> list[Played]:
    rounds = [round_of(watch)]
    while rounds[-1].continued:
        rounds.append(round_of(Watch.model_validate(rounds[-1].continued["input"])))
    return rounds


def test_a_round_that_finds_nothing_sleeps_and_goes_on_as_new_with_its_count() -> None:
    watch = Watch(ready_after=3, interval_seconds=5)
    played = round_of(watch)
    assert [step.name for step in played.steps] == ["poll_activity", "timer"]
    assert played.named("timer")[0].options["timeout"] == timedelta(seconds=5)
    assert played.continued["input"] == {**watch.model_dump(), "polls": 1}


@pytest.mark.parametrize(
    ("given", "status", "polls"),
    [
        ({}, "ready", 3),
        ({"ready_after": 1}, "ready", 1),
        ({"ready_after": 4, "max_polls": 4}, "ready", 4),
        ({"ready_after": 5, "max_polls": 4}, "gave_up", 4),
        ({"ready_after": 99}, "gave_up", 10),
    ],
)
def test_the_last_round_is_the_one_that_finds_it_ready_or_the_last_allowed(
    given: dict[str, Any], status: str, polls: int
) -> None:
    rounds = rounds_of(Watch(**given))
    assert len(rounds) == polls
    assert rounds[-1].output == {"job": "a backup", "status": status, "polls": polls}
    assert [step.name for step in rounds[-1].steps] == ["poll_activity"]
    assert [played.custom_status for played in rounds] == [
        f"poll {number} of {given.get('max_polls', 10)}" for number in range(1, polls + 1)
    ]
