"""The wrapper of a workflow: its ending is announced, and stays its own."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel

from contracts.authoring import WorkflowTag
from contracts.events import WorkflowCompleted
from orchestrator.engine.envelope import Cause, seal
from orchestrator.runs.definition import Definition
from orchestrator.runs.reserved import ANNOUNCE
from orchestrator.runs.wrapper import IN_TURN_CHARACTERS, wrapped
from tests.support.ear import Ear
from tests.support.replay import STARTED, Played, Step, failed, play

Run = Generator[Any, Any, Any]
CAUSE = Cause(event_id="event-1", key="k")


class Count(BaseModel):
    left: int = 0


def works(ctx: DaprWorkflowContext, input: str) -> Run:  # noqa: A002
    said = yield ctx.call_activity("say", input=input)
    ctx.set_custom_status("said")
    return {"said": said}


def plain(ctx: DaprWorkflowContext) -> Run:
    yield ctx.call_activity("say")


def counts(ctx: DaprWorkflowContext, input: Count) -> Run:  # noqa: A002
    yield ctx.create_timer(timedelta(minutes=1))
    if input.left:
        ctx.continue_as_new(Count(left=input.left - 1), save_events=True)
        return None
    return "done"


@dataclass
class Ran:
    played: Played
    ear: Ear


def run_of(
    function: Any,
    given: Any,
    answers: dict[str, Any],
    *,
    away: bool = False,
    started: datetime = STARTED,
    sealed: bool = True,
    **tag: Any,
) -> Ran:
    definition = Definition(function, WorkflowTag(**tag), Path(__file__))
    ear = Ear(away)
    stored = seal(CAUSE, given) if sealed else given
    return Ran(play(wrapped(definition, ear), stored, answers, started=started), ear)


def announced(ran: Ran) -> dict[str, Any]:
    """Return the one notice, which the run's last turn told, without a step of its own."""
    assert ran.played.named(ANNOUNCE) == []
    assert len(ran.ear.heard) == 2  # by the run, and by its last turn done again
    return ran.ear.notice


def names_its_cause(ran: Ran) -> bool:
    return ran.ear.heard[0][1].event_id == "event-1"


def announced_later(ran: Ran) -> dict[str, Any]:
    """Return the one notice that an activity was asked to publish, as the last step."""
    (step,) = ran.played.named(ANNOUNCE)
    assert ran.played.steps[-1] is step
    notice: dict[str, Any] = step.input["notice"]
    assert WorkflowCompleted.model_validate(notice).model_dump_json()  # as the activity does
    return notice


def test_a_success_is_announced_as_the_last_step() -> None:
    ran = run_of(works, "hello", {"say": "HELLO"})
    assert ran.played.output == {"said": "HELLO"}
    assert announced(ran) == {
        "instance_id": "instance-1",
        "workflow": "works",
        "outcome": "COMPLETED",
        "output": {"said": "HELLO"},
        "error": None,
        "custom_status": "said",
        "started_at": "2030-01-01T00:00:00Z",
        "finished_at": "2030-01-01T00:00:01Z",
        "duration_s": 1.0,
    }


def test_an_announcement_names_the_event_that_started_the_run() -> None:
    ran = run_of(works, "hello", {"say": "HELLO"})
    assert names_its_cause(ran)


def test_what_cannot_be_told_at_once_is_left_to_an_activity() -> None:
    ran = run_of(works, "hello", {"say": "HELLO", ANNOUNCE: None}, away=True)
    assert ran.played.output == {"said": "HELLO"}
    assert announced_later(ran)["output"] == {"said": "HELLO"}
    assert "event-1" in str(ran.played.steps[-1].input["cause"])
    assert len(ran.ear.heard) == 1  # on replay it was asked for already


def test_an_announcement_is_tried_for_long_enough_to_outlive_a_restart() -> None:
    ran = run_of(works, "hello", {"say": "HELLO", ANNOUNCE: None}, away=True)
    policy = ran.played.steps[-1].options["retry_policy"]
    assert policy.max_number_of_attempts > 1


def test_an_output_that_the_engine_may_refuse_is_told_once_the_engine_has_it() -> None:
    ran = run_of(works, "hello", {"say": "x" * IN_TURN_CHARACTERS, ANNOUNCE: None})
    assert announced_later(ran)["outcome"] == "COMPLETED"
    assert ran.ear.heard == []


def test_a_failure_is_announced_and_stays_the_workflows_own() -> None:
    error = failed("out of paper")
    ran = run_of(works, "hello", {"say": error})
    assert ran.played.error is error
    notice = announced(ran)
    assert (notice["outcome"], notice["output"]) == ("FAILED", None)
    assert notice["error"]["type"] == "TaskFailedError"
    assert "out of paper" in notice["error"]["message"]


def test_a_workflow_without_input_is_announced_too() -> None:
    assert announced(run_of(plain, None, {"say": ""}))["outcome"] == "COMPLETED"


@pytest.mark.parametrize("gone", [failed("the broker is away"), OSError("no sidecar")])
def test_an_announcement_that_fails_leaves_a_success_a_success(gone: Exception) -> None:
    ran = run_of(works, "hello", {"say": "HELLO", ANNOUNCE: gone}, away=True)
    assert ran.played.error is None
    assert ran.played.output == {"said": "HELLO"}


def test_an_announcement_that_fails_leaves_a_failure_its_own_error() -> None:
    error = failed("out of paper")
    gone = failed("the broker is away")
    ran = run_of(works, "hello", {"say": error, ANNOUNCE: gone}, away=True)
    assert ran.played.error is error


def test_a_workflow_that_goes_on_as_new_announces_its_end_alone() -> None:
    first = run_of(counts, {"left": 1}, {"timer": None})
    assert [step.name for step in first.played.steps] == ["timer"]
    assert first.played.continued["save_events"] is True

    an_hour_on = STARTED + timedelta(hours=1)
    given = first.played.continued["input"]
    last = run_of(counts, given, {"timer": None}, started=an_hour_on, sealed=False)
    notice = announced(last)
    assert notice["output"] == "done"
    assert notice["started_at"] == "2030-01-01T00:00:00Z"
    assert notice["finished_at"] == "2030-01-01T01:01:00Z"
    assert notice["duration_s"] == timedelta(hours=1, minutes=1).total_seconds()
    assert names_its_cause(last)


def test_a_workflow_that_is_only_a_child_announces_nothing() -> None:
    ran = run_of(works, "hello", {"say": "HELLO"}, announce=False)
    assert ran.played.output == {"said": "HELLO"}
    failing = run_of(works, "hello", {"say": failed("no")}, announce=False)
    assert failing.played.error is not None


def test_an_input_that_does_not_fit_fails_the_run_and_is_announced() -> None:
    ran = run_of(works, {"text": "hello"}, {})
    assert ran.played.error is not None
    notice = announced(ran)
    assert notice["outcome"] == "FAILED"
    assert "input" in notice["error"]["message"]


@pytest.mark.parametrize(("route", "error"), [(None, "input.shop"), ("order/start", None)])
def test_the_event_of_a_route_may_have_more_fields_than_the_input(
    route: str | None, error: str | None
) -> None:
    cause = CAUSE.model_copy(update={"route": route})
    stored = seal(cause, {"left": 0, "shop": "north"})
    ran = run_of(counts, stored, {"timer": None}, sealed=False)
    notice = announced(ran)
    assert notice["output"] == (None if error else "done")
    assert (error or "") in str(notice["error"])


def test_a_workflow_that_was_scheduled_past_usher_gets_its_input_as_it_is() -> None:
    ran = run_of(works, "hello", {"say": "HELLO", ANNOUNCE: None}, sealed=False)
    assert ran.played.named("say")[0].input == "hello"
    assert announced_later(ran)["started_at"] == "2030-01-01T00:00:00Z"
    assert "event-1" not in str(ran.played.steps[-1].input["cause"])


def returning(value: Any) -> Any:
    def returns(ctx: DaprWorkflowContext) -> Run:
        yield ctx.call_activity("say")
        return value() if callable(value) else value

    return returns


@pytest.mark.parametrize(
    ("value", "output"),
    [(Count(left=3), {"left": 3}), ((1, 2), [1, 2]), (timedelta(minutes=1), "PT1M")],
)
def test_an_output_is_stored_and_announced_as_json(value: Any, output: Any) -> None:
    ran = run_of(returning(value), None, {"say": None})
    assert ran.played.output == output
    assert announced(ran)["output"] == output


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(object, id="no JSON"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param(10**5_000, id="a number that JSON readers refuse"),
    ],
)
def test_an_output_that_the_engine_cannot_store_fails_the_run_and_is_announced(value: Any) -> None:
    ran = run_of(returning(value), None, {"say": None})
    assert ran.played.error is not None
    assert announced(ran)["outcome"] == "FAILED"


def test_an_output_that_is_no_number_is_announced_as_null() -> None:
    ran = run_of(returning(float("nan")), None, {"say": None})
    assert announced(ran)["output"] is None
    assert ran.played.output is None


def test_words_of_an_error_that_cannot_be_written_do_not_hide_the_failure() -> None:
    def fails(ctx: DaprWorkflowContext) -> Run:
        yield ctx.call_activity("say")
        raise ValueError("bad name: \udcff")

    ran = run_of(fails, None, {"say": None})
    assert isinstance(ran.played.error, ValueError)
    assert announced(ran)["error"]["message"].startswith("bad name: ")


def test_a_custom_status_that_is_no_text_does_not_change_the_outcome() -> None:
    def tells(ctx: DaprWorkflowContext) -> Run:
        ctx.set_custom_status({"step": 1})  # type: ignore[arg-type]  # the SDK takes it, and warns
        yield ctx.call_activity("say")

    ran = run_of(tells, None, {"say": None})
    assert ran.played.error is None
    assert announced(ran)["outcome"] == "COMPLETED"


def test_going_on_as_new_with_what_cannot_be_stored_fails_the_run_and_is_announced() -> None:
    def goes_on(ctx: DaprWorkflowContext) -> Run:
        yield ctx.call_activity("say")
        ctx.continue_as_new(object())

    ran = run_of(goes_on, None, {"say": None})
    assert ran.played.error is not None
    assert announced(ran)["outcome"] == "FAILED"


def test_the_wrapper_hands_the_sdks_own_context_through() -> None:
    seen: list[Any] = []

    def looks(ctx: DaprWorkflowContext) -> Run:
        seen[:] = [ctx.instance_id, ctx.is_replaying, ctx.current_utc_datetime]
        yield ctx.call_child_workflow("child", input=1)
        yield ctx.wait_for_external_event("go", timeout=timedelta(hours=1))

    steps: list[Step] = run_of(looks, None, {"child": 1, "go": 2}).played.steps
    assert seen[0] == "instance-1"
    assert [(step.kind, step.name) for step in steps[:2]] == [("child", "child"), ("event", "go")]
    assert steps[1].options["timeout"] == timedelta(hours=1)
