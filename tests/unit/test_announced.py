"""The wrapper of a workflow: its ending is announced, and stays its own."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel

from contracts.events import WorkflowCompleted
from orchestrator.announced import ANNOUNCE, wrapped
from orchestrator.definition import Definition
from orchestrator.envelope import Cause, seal
from orchestrator.registry import WorkflowTag
from tests.support.replay import STARTED, Played, Step, failed, play

Run = Generator[Any, Any, Any]
CAUSE = Cause(event_id="event-1")
ANNOUNCED = {ANNOUNCE: None}


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


def run_of(function: Any, given: Any, answers: dict[str, Any], **tag: Any) -> Played:
    definition = Definition(function, WorkflowTag(**tag), Path(__file__))
    return play(wrapped(definition), seal(CAUSE, given), answers)


def announced(played: Played) -> dict[str, Any]:
    """Return the one notice, which must be the last step."""
    (step,) = played.named(ANNOUNCE)
    assert played.steps[-1] is step
    notice: dict[str, Any] = step.input["notice"]
    assert WorkflowCompleted.model_validate(notice).model_dump_json()  # as the activity does
    return notice


def names_its_cause(played: Played) -> bool:
    return "event-1" in str(played.steps[-1].input["cause"])


def test_a_success_is_announced_as_the_last_step() -> None:
    played = run_of(works, "hello", {"say": "HELLO", **ANNOUNCED})
    assert played.output == {"said": "HELLO"}
    assert announced(played) == {
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
    played = run_of(works, "hello", {"say": "HELLO", **ANNOUNCED})
    assert names_its_cause(played)


def test_an_announcement_is_tried_for_long_enough_to_outlive_a_restart() -> None:
    played = run_of(works, "hello", {"say": "HELLO", **ANNOUNCED})
    policy = played.steps[-1].options["retry_policy"]
    assert policy.max_number_of_attempts > 1


def test_a_failure_is_announced_and_stays_the_workflows_own() -> None:
    error = failed("out of paper")
    played = run_of(works, "hello", {"say": error, **ANNOUNCED})
    assert played.error is error
    notice = announced(played)
    assert (notice["outcome"], notice["output"]) == ("FAILED", None)
    assert notice["error"]["type"] == "TaskFailedError"
    assert "out of paper" in notice["error"]["message"]


def test_a_workflow_without_input_is_announced_too() -> None:
    assert announced(run_of(plain, None, {"say": "", **ANNOUNCED}))["outcome"] == "COMPLETED"


@pytest.mark.parametrize("gone", [failed("the broker is away"), OSError("no sidecar")])
def test_an_announcement_that_fails_leaves_a_success_a_success(gone: Exception) -> None:
    played = run_of(works, "hello", {"say": "HELLO", ANNOUNCE: gone})
    assert played.error is None
    assert played.output == {"said": "HELLO"}


def test_an_announcement_that_fails_leaves_a_failure_its_own_error() -> None:
    error = failed("out of paper")
    played = run_of(works, "hello", {"say": error, ANNOUNCE: failed("the broker is away")})
    assert played.error is error


def test_a_workflow_that_goes_on_as_new_announces_its_end_alone() -> None:
    first = run_of(counts, {"left": 1}, {"timer": None})
    assert [step.name for step in first.steps] == ["timer"]
    assert first.continued["save_events"] is True

    run = wrapped(Definition(counts, WorkflowTag(), Path(__file__)))
    an_hour_on = STARTED + timedelta(hours=1)
    given = first.continued["input"]
    last = play(run, given, {"timer": None, **ANNOUNCED}, started=an_hour_on)
    notice = announced(last)
    assert notice["output"] == "done"
    assert notice["started_at"] == "2030-01-01T00:00:00Z"
    assert notice["finished_at"] == "2030-01-01T01:01:00Z"
    assert notice["duration_s"] == timedelta(hours=1, minutes=1).total_seconds()
    assert names_its_cause(last)


def test_a_workflow_that_is_only_a_child_announces_nothing() -> None:
    played = run_of(works, "hello", {"say": "HELLO"}, announce=False)
    assert played.output == {"said": "HELLO"}
    failing = run_of(works, "hello", {"say": failed("no")}, announce=False)
    assert failing.error is not None


def test_an_input_that_does_not_fit_fails_the_run_and_is_announced() -> None:
    played = run_of(works, {"text": "hello"}, ANNOUNCED)
    assert played.error is not None
    notice = announced(played)
    assert notice["outcome"] == "FAILED"
    assert "input" in notice["error"]["message"]


def test_a_workflow_that_was_scheduled_past_usher_gets_its_input_as_it_is() -> None:
    definition = Definition(works, WorkflowTag(), Path(__file__))
    played = play(wrapped(definition), "hello", {"say": "HELLO", **ANNOUNCED})
    assert played.named("say")[0].input == "hello"
    assert not names_its_cause(played)
    assert announced(played)["started_at"] == "2030-01-01T00:00:00Z"


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
    played = run_of(returning(value), None, {"say": None, **ANNOUNCED})
    assert played.output == output
    assert announced(played)["output"] == output


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(object, id="no JSON"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param(10**5_000, id="a number that JSON readers refuse"),
    ],
)
def test_an_output_that_the_engine_cannot_store_fails_the_run_and_is_announced(value: Any) -> None:
    played = run_of(returning(value), None, {"say": None, **ANNOUNCED})
    assert played.error is not None
    assert announced(played)["outcome"] == "FAILED"


def test_an_output_that_is_no_number_is_announced_as_null() -> None:
    played = run_of(returning(float("nan")), None, {"say": None, **ANNOUNCED})
    assert announced(played)["output"] is None
    assert played.output is None


def test_words_of_an_error_that_cannot_be_written_do_not_hide_the_failure() -> None:
    def fails(ctx: DaprWorkflowContext) -> Run:
        yield ctx.call_activity("say")
        raise ValueError("bad name: \udcff")

    played = run_of(fails, None, {"say": None, **ANNOUNCED})
    assert isinstance(played.error, ValueError)
    assert announced(played)["error"]["message"].startswith("bad name: ")


def test_a_custom_status_that_is_no_text_does_not_change_the_outcome() -> None:
    def tells(ctx: DaprWorkflowContext) -> Run:
        ctx.set_custom_status({"step": 1})  # type: ignore[arg-type]  # the SDK takes it, and warns
        yield ctx.call_activity("say")

    played = run_of(tells, None, {"say": None, **ANNOUNCED})
    assert played.error is None
    assert announced(played)["outcome"] == "COMPLETED"


def test_going_on_as_new_with_what_cannot_be_stored_fails_the_run_and_is_announced() -> None:
    def goes_on(ctx: DaprWorkflowContext) -> Run:
        yield ctx.call_activity("say")
        ctx.continue_as_new(object())

    played = run_of(goes_on, None, {"say": None, **ANNOUNCED})
    assert played.error is not None
    assert announced(played)["outcome"] == "FAILED"


def test_the_wrapper_hands_the_sdks_own_context_through() -> None:
    seen: list[Any] = []

    def looks(ctx: DaprWorkflowContext) -> Run:
        seen[:] = [ctx.instance_id, ctx.is_replaying, ctx.current_utc_datetime]
        yield ctx.call_child_workflow("child", input=1, instance_id="c-1")
        yield ctx.wait_for_external_event("go", timeout=timedelta(hours=1))

    steps: list[Step] = run_of(looks, None, {"child": 1, "go": 2, **ANNOUNCED}).steps
    assert seen[0] == "instance-1"
    assert [(step.kind, step.name) for step in steps[:2]] == [("child", "child"), ("event", "go")]
    assert steps[0].options["instance_id"] == "c-1"
    assert steps[1].options["timeout"] == timedelta(hours=1)
