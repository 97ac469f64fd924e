"""Each workflow of ours, played by hand: what it schedules, and how it ends."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.authoring.catalogue import Catalogue
from orchestrator.engine.envelope import Cause, seal
from orchestrator.runs.wrapper import wrapped
from tests.support.ear import Ear
from tests.support.replay import Answers, Played, Step, failed, play

FOUND = Catalogue.scan()


def run_of(
    name: str, given: Any = None, answers: Answers | None = None, ear: Ear | None = None
) -> Played:
    """Play a workflow as the worker registers it; its activities are the real ones."""
    real = {name: _really(activity) for name, activity in FOUND.activities.items()}
    stored = seal(Cause(event_id="event-1", key="k"), given)
    told = {**real, **(answers or {})}
    return play(wrapped(FOUND.workflows[name], ear or Ear()), stored, told)


def _really(activity: Any) -> Any:
    def answer(step: Step) -> Any:
        try:
            return activity(None, step.input)
        except Exception as error:
            return failed(str(error), type(error).__name__)

    return answer


@pytest.mark.parametrize(
    ("given", "name"),
    [("Ada", "Ada"), ({"name": "Ada"}, "Ada"), (None, "World"), ({}, "World"), ("", "")],
)
def test_hello_greets_by_name(given: Any, name: str) -> None:
    played = run_of("hello_workflow", given)
    assert played.output == {"final_greeting": f"Hello, {name}!"}
    assert [step.name for step in played.steps] == ["hello_activity"]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ({"approved": True}, {"decision": "approved"}),
        (
            {"approved": True, "by": "Ada", "comment": "fine"},
            {"decision": "approved", "by": "Ada", "comment": "fine"},
        ),
        ({"approved": False, "by": "Ada"}, {"decision": "rejected", "by": "Ada"}),
    ],
)
def test_an_approval_is_decided_by_the_answer(answer: Any, result: dict[str, Any]) -> None:
    played = run_of("approval_workflow", {"subject": "a laptop"}, {"approval": answer})
    assert played.output == {"subject": "a laptop", **result}


def test_an_approval_waits_until_its_deadline_and_then_times_out() -> None:
    given, ear = {"subject": "a laptop", "deadline_seconds": 90}, Ear()
    played = run_of("approval_workflow", given, {"approval": TimeoutError("too late")}, ear)
    assert played.named("approval")[0].options["timeout"] == timedelta(seconds=90)
    assert played.output == {"decision": "timed_out", "subject": "a laptop"}
    assert ear.notice["outcome"] == "COMPLETED"
    assert ear.notice["duration_s"] == timedelta(seconds=90).total_seconds()


def test_an_approval_says_what_it_waits_for() -> None:
    played = run_of("approval_workflow", {"subject": "a laptop"}, {"approval": {"approved": True}})
    assert "a laptop" in (played.custom_status or "")


def test_an_approval_has_a_default_for_everything() -> None:
    played = run_of("approval_workflow", None, {"approval": {"approved": True}})
    assert played.named("approval")[0].options["timeout"] == timedelta(seconds=60)
    assert played.output["decision"] == "approved"


@pytest.mark.parametrize("answer", [None, "yes", {}, {"approved": "perhaps"}, {"aproved": True}])
def test_an_answer_that_is_none_fails_an_approval_and_is_announced(answer: Any) -> None:
    """It fails rather than waits on: whoever answered learns from the notice what was wrong."""
    ear = Ear()
    played = run_of("approval_workflow", None, {"approval": answer}, ear)
    assert played.error is not None
    assert ear.notice["outcome"] == "FAILED"
    assert "Approval" in ear.notice["error"]["message"]


@pytest.mark.parametrize("given", [None, {"message": "out of paper"}])
def test_a_failure_is_announced_in_its_own_words(given: Any) -> None:
    ear = Ear()
    played = run_of("fail_workflow", given, ear=ear)
    assert played.error is not None
    notice = ear.notice
    assert notice["outcome"] == "FAILED"
    assert (given or {"message": "this never works"})["message"] in notice["error"]["message"]
