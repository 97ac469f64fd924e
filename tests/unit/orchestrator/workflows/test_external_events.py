"""The workflows that wait for events, by hand."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.workflows.buffered_events_workflow import Busy, buffered_events_workflow
from orchestrator.workflows.event_or_timer_workflow import (
    Question,
    event_or_timer_workflow,
    remind_activity,
)
from orchestrator.workflows.events_in_any_order_workflow import (
    Expected,
    events_in_any_order_workflow,
)
from tests.support.replay import PENDING, STARTED, Played, Step, activity_context, play

LATE = TimeoutError("too late")


def one_after_the_other(*answers: Any) -> Any:
    left = iter(answers)
    return lambda _: next(left)


def test_all_events_are_waited_for_at_once_with_one_deadline() -> None:
    answers = {"documents": {"pages": 3}, "payment": 12}
    played = play(events_in_any_order_workflow, Expected(), answers)
    assert played.output == {"received": answers, "missing": []}
    deadline = STARTED + timedelta(seconds=60)
    assert [(step.name, step.options["timeout"]) for step in played.steps] == [
        ("documents", deadline),
        ("payment", deadline),
    ]
    assert played.custom_status == "waiting for documents, payment"


@pytest.mark.parametrize("late", ["documents", "payment"])
def test_what_came_in_time_is_kept_and_what_did_not_is_named(late: str) -> None:
    answers = {"documents": 1, "payment": 2, late: LATE}
    played = play(events_in_any_order_workflow, Expected(), answers)
    assert played.output["missing"] == [late]
    assert len(played.output["received"]) == 1


def asked(reminders: int, answer: Any, timer: Any) -> Played:
    question = Question(question="well?", reminders=reminders, every_seconds=20)
    answers = {"answer": answer, "timer": timer, "remind_activity": None}
    return play(event_or_timer_workflow, question, answers)


def test_an_answer_in_time_needs_no_reminder() -> None:
    played = asked(2, "yes", PENDING)
    assert played.output == {"answer": "yes", "reminders": 0}
    assert [step.name for step in played.steps] == ["answer", "timer"]


def test_each_timer_that_is_first_sends_a_reminder_and_the_same_wait_goes_on() -> None:
    played = asked(3, one_after_the_other(PENDING, PENDING, "yes"), None)
    assert played.output == {"answer": "yes", "reminders": 2}
    assert len(played.named("answer")) == 1
    assert [step.input for step in played.named("remind_activity")] == ["well?"] * 2
    assert {step.options["timeout"] for step in played.named("timer")} == {timedelta(seconds=20)}
    assert played.statuses[-1] == "waiting for answer, 2 reminders sent"


def test_when_the_reminders_are_used_up_it_ends_without_an_answer() -> None:
    played = asked(1, PENDING, None)
    assert played.output == {"answer": None, "reminders": 1}
    assert [step.name for step in played.steps] == ["answer", "timer", "remind_activity", "timer"]
    remind_activity(activity_context(), "well?")


def test_events_are_taken_one_by_one_once_it_listens() -> None:
    def note(step: Step) -> str:
        return f"note {step.options['timeout'].total_seconds():.0f}"

    played = play(buffered_events_workflow, Busy(), {"timer": None, "note": note})
    assert played.output == {"notes": ["note 60", "note 60"], "complete": True}
    assert [step.name for step in played.steps] == ["timer", "note", "note"]
    assert played.statuses[0] == "busy"
    assert played.statuses[-1] == "listening, 1 of 2 notes taken"


def test_when_a_note_is_too_late_the_ones_before_it_are_kept() -> None:
    answers = {"timer": None, "note": one_after_the_other("first", LATE)}
    played = play(buffered_events_workflow, Busy(count=3), answers)
    assert played.output == {"notes": ["first"], "complete": False}
