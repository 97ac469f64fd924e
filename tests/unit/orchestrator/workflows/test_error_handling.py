"""The error handling workflow by hand: its two endings."""

from typing import Any

import pytest

from orchestrator.workflows.error_handling_workflow import (
    Task,
    always_fail_activity,
    compensation_activity,
    error_handling_workflow,
)
from tests.support.replay import Played, activity_context, failed, play

ERROR = failed("cannot do t1")


def run_of(given: Any, **answers: Any) -> Played:
    told = {"always_fail_activity": ERROR, "compensation_activity": "undid t1", **answers}
    return play(error_handling_workflow, given, told)


@pytest.mark.parametrize("given", ["t1", Task(task_data="t1")])
def test_a_failure_is_compensated_and_the_workflow_completes(given: Any) -> None:
    played = run_of(given)
    assert played.output == {
        "status": "HANDLED_FAILURE",
        "compensation": "undid t1",
        "original_input": "t1",
    }
    assert [(step.name, step.input) for step in played.steps] == [
        ("always_fail_activity", "t1"),
        ("compensation_activity", "t1"),
    ]
    assert played.statuses == ["trying", "compensating", "compensated"]


def test_with_reraise_the_workflow_fails_after_the_compensation() -> None:
    played = run_of(Task(task_data="t1", reraise=True))
    assert played.error is ERROR
    assert [step.name for step in played.steps] == ["always_fail_activity", "compensation_activity"]
    assert played.statuses == ["trying", "compensating", "compensated, failing"]


def test_a_compensation_that_fails_fails_the_workflow() -> None:
    error = failed("cannot undo")
    assert run_of("t1", compensation_activity=error).error is error


def test_the_activities_do_what_they_are_called() -> None:
    with pytest.raises(RuntimeError, match="cannot do t1"):
        always_fail_activity(activity_context(), "t1")
    assert compensation_activity(activity_context(), "t1") == "undid t1"
