"""What an author yields that is no task, and how a task that fails says what it was."""

import json
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import pytest
from dapr.ext.workflow import DaprWorkflowContext, RetryPolicy, TaskFailedError, when_all, when_any
from dapr.ext.workflow._durabletask.internal import helpers

from contracts.authoring import WorkflowTag
from orchestrator.engine.envelope import Cause
from orchestrator.runs.completion import explained
from orchestrator.runs.payload import MAX_PAYLOAD_BYTES, MAX_TURN_BYTES
from orchestrator.runs.tasks import never_retrying
from tests.support.ear import Ear
from tests.support.turns import Turns

Run = Generator[Any, Any, Any]
CAUSE = Cause(event_id="start", key="k")


def steps() -> Run:
    yield 1


async def awaited() -> None:
    """Stand for what a workflow cannot wait for."""


NO_TASKS: list[tuple[Callable[[DaprWorkflowContext], Any], str]] = [
    (lambda _: None, "a bare `yield`"),
    (lambda ctx: [ctx.create_timer(timedelta(1))], "a list is no task: write `yield when_all"),
    (lambda ctx: (ctx.create_timer(timedelta(1)),), "a tuple is no task: write `yield when_all"),
    (lambda _: {}, "a dict is no task"),
    (lambda _: set(), "a set is no task"),
    (lambda _: 0, "a int is no task"),
    (lambda _: "text", "a str is no task"),
    (lambda _: False, "a bool is no task"),
    (lambda _: steps(), "write `yield from`"),
    (lambda _: awaited(), "a workflow awaits nothing"),
    (lambda _: steps, "the function steps is no task"),
    (lambda ctx: ctx.create_timer, "the function create_timer is no task"),
    (lambda ctx: ctx, "RunContext is no task"),
    (lambda ctx: when_all([ctx.create_timer(timedelta(1)), 3]), "take a list of tasks, and got in"),  # type: ignore[list-item]
    (lambda _: when_any([None]), "take a list of tasks, and got NoneType"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("made", "said"), NO_TASKS)
def test_what_is_no_task_fails_the_run_at_once(made: Any, said: str) -> None:
    def author(ctx: DaprWorkflowContext) -> Run:
        yield made(ctx)

    ear = Ear()
    Turns(author, WorkflowTag(), ear, CAUSE).turn()
    assert said in ear.notice["error"]["message"]


def test_the_author_may_catch_it_and_go_on() -> None:
    def author(ctx: DaprWorkflowContext) -> Run:
        try:
            yield [1]
        except TypeError as error:
            yield ctx.call_activity("say", input=str(error))

    (action,) = Turns(author, WorkflowTag(), Ear(), CAUSE).turn()
    assert "when_all" in action.scheduleTask.input.value


def test_a_task_of_another_run_is_refused_and_a_completed_one_is_not() -> None:
    kept: list[Any] = []

    def author(ctx: DaprWorkflowContext) -> Run:
        kept.append(ctx.create_timer(timedelta(1)))
        done: Any = when_all([])
        yield done
        yield done
        yield kept[0]

    first, second = Ear(), Ear()
    Turns(author, WorkflowTag(), first, CAUSE).turn()
    assert first.heard == []
    Turns(author, WorkflowTag(), second, CAUSE).turn()
    assert "belongs to another run" in second.notice["error"]["message"]


def failed_with(kind: str, text: str) -> Any:
    error = type(kind, (Exception,), {})(text)
    return helpers.new_task_failed_event(1, error)


@pytest.mark.parametrize("through", ["yield", "when_any"])
def test_a_task_that_fails_says_what_it_was_and_keeps_its_details(through: str) -> None:
    details: list[Any] = []

    def author(ctx: DaprWorkflowContext) -> Run:
        try:
            task: Any = ctx.call_activity("charge_card")
            if through == "yield":
                yield task
            else:
                done = yield when_any([task])
                done.get_result()
        except TaskFailedError as error:
            details[:] = [error.details.error_type, error.details.message]
            raise

    ear = Ear()
    run = Turns(author, WorkflowTag(), ear, CAUSE)
    run.turn()
    run.turn(failed_with("CardError", "no luck"))
    assert details == ["CardError", "no luck"]
    assert ear.notice["error"] == {
        "type": "TaskFailedError",
        "message": "activity charge_card failed: CardError: no luck",
        "activity": "charge_card",
        "cause_type": "CardError",
    }


@pytest.mark.parametrize(
    ("kind", "text", "activity", "cause"),
    [
        ("TaskFailedError", "activity a failed: ValueError: no", "a", "ValueError"),
        ("TaskFailedError", "activity a failed: AssertionError (a.py:1: x)", "a", "AssertionError"),
        ("TaskFailedError", "child workflow c failed: activity a failed: K: x", "a", "K"),
        ("TaskFailedError", "child workflow c failed: KeyError: 'x'", None, "KeyError"),
        ("ValueError", "activity a failed: K: x", None, None),
    ],
)
def test_a_cause_is_read_from_the_text_that_the_engine_keeps(
    kind: str, text: str, activity: str | None, cause: str | None
) -> None:
    found = explained(kind, text)
    assert (found.activity, found.cause_type) == (activity, cause)


def test_a_retry_policy_stays_as_it_is_but_for_what_fails_each_time() -> None:
    policy = RetryPolicy(
        first_retry_interval=timedelta(seconds=3),
        max_number_of_attempts=4,
        backoff_coefficient=2,
        max_retry_interval=timedelta(minutes=1),
        retry_timeout=timedelta(hours=1),
    )
    patient = never_retrying(policy)
    assert patient is not None
    assert patient.first_retry_interval == timedelta(seconds=3)
    assert (patient.max_number_of_attempts, patient.backoff_coefficient) == (4, 2)
    assert patient.max_retry_interval == timedelta(minutes=1)
    assert patient.retry_timeout == timedelta(hours=1)
    assert patient.obj.non_retryable_error_types == {"PayloadTooLarge", "InvalidInput", "TaskDied"}
    assert policy.obj.non_retryable_error_types is None
    assert never_retrying(None) is None


Call = Callable[[DaprWorkflowContext, Any], Any]
CALLS: list[Call] = [
    lambda ctx, given: ctx.call_activity("say", input=given),
    lambda ctx, given: ctx.call_child_workflow("child", input=given),
    lambda ctx, given: ctx.continue_as_new(given),
    lambda ctx, given: ctx.set_custom_status(given),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("given", ["x" * MAX_PAYLOAD_BYTES, "é" * (MAX_PAYLOAD_BYTES // 6 + 1)])
def test_what_is_too_large_raises_in_the_authors_code(call: Call, given: str) -> None:
    def author(ctx: DaprWorkflowContext) -> Run:
        try:
            call(ctx, given)
        except ValueError as error:
            return str(error)
        yield ctx.create_timer(timedelta(1))

    ear = Ear()
    Turns(author, WorkflowTag(), ear, CAUSE).turn()
    assert f"the limit is {MAX_PAYLOAD_BYTES:,}" in ear.notice["output"]


def test_a_turn_is_limited_and_the_next_one_begins_anew() -> None:
    size = 1_900_000

    def author(ctx: DaprWorkflowContext) -> Run:
        for _ in range(2):
            for _ in range(MAX_TURN_BYTES // size):
                ctx.call_activity("say", input="x" * (size - 2))
            yield ctx.wait_for_external_event("go")
        for _ in range(MAX_TURN_BYTES // size + 1):
            ctx.call_activity("say", input="x" * (size - 2))

    ear = Ear()
    run = Turns(author, WorkflowTag(), ear, CAUSE)
    for _ in range(2):
        run.turn()
        run.turn(helpers.new_event_raised_event("go", json.dumps(1)))
    assert ear.notice["error"]["type"] == "PayloadTooLarge"
