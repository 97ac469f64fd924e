"""The parent workflow and its child, by hand."""

from typing import Any

import pytest

from contracts.authoring import TAG
from orchestrator.workflows.parent_workflow import (
    Parent,
    child_orchestration_workflow,
    child_task_activity,
    parent_workflow,
)
from tests.support.replay import activity_context, failed, play


@pytest.mark.parametrize("given", ["Ada", Parent(name="Ada")])
def test_a_parent_calls_its_child_and_returns_both_results(given: Any) -> None:
    played = play(parent_workflow, given, {"child_orchestration_workflow": "done"})
    assert played.output == {"parent_result": "the parent is done for Ada", "child_result": "done"}
    (step,) = played.steps
    assert (step.kind, step.input) == ("child", "Ada")


@pytest.mark.parametrize(
    ("name", "child_id"),
    [
        ("Ada", "p-1-child-Ada"),
        ("Ada Lovelace", "p-1-child-Ada_Lovelace"),
        ("José/1|2", "p-1-child-Jos__1_2"),
        ("", "p-1-child-"),
    ],
)
def test_the_childs_id_is_made_of_the_parents_and_the_name(name: str, child_id: str) -> None:
    answers = {"child_orchestration_workflow": "done"}
    (step,) = play(parent_workflow, name, answers, instance_id="p-1").steps
    assert step.options["instance_id"] == child_id


def test_a_failing_child_fails_its_parent() -> None:
    error = failed("no")
    assert play(parent_workflow, "Ada", {"child_orchestration_workflow": error}).error is error


def test_a_child_does_its_task_and_announces_nothing() -> None:
    played = play(child_orchestration_workflow, "Ada", {"child_task_activity": "done"})
    assert played.output == "done"
    assert played.steps[0].input == "Ada"
    assert getattr(child_orchestration_workflow, TAG).announce is False
    assert child_task_activity(activity_context(), "Ada") == "the child is done for Ada"
