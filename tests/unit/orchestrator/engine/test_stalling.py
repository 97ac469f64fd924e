"""A run whose code is not here is stalled by the engine, and not failed by the SDK."""

import json
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import pytest
from dapr.ext.workflow import DaprWorkflowContext, WorkflowRuntime
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import protos as pb
from dapr.ext.workflow._durabletask.task import NonDeterminismError

from contracts.authoring import WorkflowTag
from orchestrator.engine.envelope import Cause
from orchestrator.engine.sdk import SdkWorker
from orchestrator.engine.stalling import NUDGE, stall_runs_without_code
from tests.support.ear import Ear
from tests.support.turns import Turns

Run = Generator[Any, Any, Any]
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def works_then_waits(ctx: DaprWorkflowContext) -> Run:
    yield ctx.call_activity("work")
    return (yield ctx.wait_for_external_event("go"))


def waits(ctx: DaprWorkflowContext) -> Run:
    return (yield ctx.wait_for_external_event("go"))


def raises_its_own(_: DaprWorkflowContext) -> Run:
    raise NonDeterminismError("mine")
    yield


def rolled_back(began_with: str | None) -> Any:
    """Return the action that follows once a run's code is older than its history."""
    cause = Cause(event_id="start", key="k", code=began_with)
    run = Turns(works_then_waits, WorkflowTag(), Ear(), cause, "now")
    (work,) = run.turn()
    run.turn(helpers.new_task_completed_event(work.id))
    run.deploy(waits)
    (action,) = run.turn(helpers.new_event_raised_event("go", json.dumps("now")))
    return action


@pytest.mark.parametrize("began_with", ["before", None])
def test_a_run_that_began_with_other_code_and_does_not_fit_is_stalled(
    began_with: str | None,
) -> None:
    assert rolled_back(began_with).HasField("workflowVersionNotAvailable")


def test_a_run_of_the_very_same_code_fails_as_its_author_is_at_fault() -> None:
    assert rolled_back("now").completeWorkflow.failureDetails.errorType == "NonDeterminismError"


def test_what_the_author_raises_fails_the_run_whatever_it_is() -> None:
    ear = Ear()
    run = Turns(raises_its_own, WorkflowTag(), ear, Cause(key="k", code="before"), "now")
    (action,) = run.turn()
    assert action.completeWorkflow.failureDetails.errorType == "NonDeterminismError"
    assert ear.notice["outcome"] == "FAILED"


class Sidecar:
    """Keeps what the worker sends."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.nudged: list[Any] = []

    def CompleteOrchestratorTask(self, response: Any, **_: Any) -> None:  # noqa: N802
        self.answers.append(response)

    def RaiseEvent(self, request: Any) -> None:  # noqa: N802
        self.nudged.append(request)


def answered(*new: Any, past: tuple[Any, ...] = ()) -> Sidecar:
    """Return what a worker without any workflow sends for a turn."""
    runtime, sidecar = WorkflowRuntime(), Sidecar()
    worker: Any = runtime._WorkflowRuntime__worker  # type: ignore[attr-defined]
    stall_runs_without_code(SdkWorker(runtime))
    worker._send_on_current_connection = lambda send, _: send(sidecar)
    request = pb.WorkflowRequest(instanceId="i-1", pastEvents=past, newEvents=new)
    worker._execute_orchestrator(request, "token", lambda: None)
    return sidecar


def began(patch: str = "night") -> tuple[Any, ...]:
    started = helpers.new_workflow_started_event(NOW)
    started.workflowStarted.version.patches.append(patch)
    return started, helpers.new_execution_started_event("gone", "i-1", "null")


def test_a_run_of_a_workflow_that_is_not_here_is_stalled() -> None:
    sidecar = answered(helpers.new_event_raised_event("go", "1"), past=began())
    (answer,) = sidecar.answers
    assert answer.actions[0].HasField("workflowVersionNotAvailable")
    assert not sidecar.nudged


def test_the_first_turn_does_nothing_and_is_followed_by_one_that_stalls() -> None:
    sidecar = answered(*began())
    (answer,) = sidecar.answers
    assert not answer.actions
    assert [nudge.name for nudge in sidecar.nudged] == [NUDGE]


def test_the_turn_of_a_timer_does_nothing_and_is_followed_by_one_that_stalls() -> None:
    fired = pb.HistoryEvent(eventId=-1, timerFired=pb.TimerFiredEvent(timerId=1))
    sidecar = answered(fired, past=began())
    (answer,) = sidecar.answers
    assert not answer.actions
    assert list(answer.version.patches) == ["night"], "else the engine stalls it by itself"
    (nudge,) = sidecar.nudged
    assert (nudge.instanceId, nudge.name) == ("i-1", NUDGE)
