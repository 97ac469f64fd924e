"""The turn that a run ends in, on the SDK's own executor: when it tells the end, and when not."""

import json
from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import protos as pb

from contracts.authoring import WorkflowTag
from orchestrator.engine.envelope import Cause
from orchestrator.runs.reserved import ANNOUNCE
from tests.support.ear import Ear
from tests.support.turns import Turns

Run = Generator[Any, Any, Any]
CAUSE = Cause(event_id="start", key="k")


def waits(ctx: DaprWorkflowContext) -> Run:
    return (yield ctx.wait_for_external_event("go"))


class Instance(Turns):
    """One run of `waits`, after its first turn."""

    def __init__(self, ear: Ear, cause: Cause = CAUSE, patches: tuple[str, ...] = ()) -> None:
        super().__init__(waits, WorkflowTag(), ear, cause)
        self.turn(patches=patches)


def go() -> Any:
    return helpers.new_event_raised_event("go", json.dumps("now"))


def terminated() -> Any:
    return helpers.new_terminated_event(encoded_output=json.dumps("enough"))


def is_asked_for(actions: list[Any]) -> bool:
    return [one.scheduleTask.name for one in actions] == [ANNOUNCE]


def ends_as(actions: list[Any]) -> str:
    (end,) = actions
    return str(pb.OrchestrationStatus.Name(end.completeWorkflow.workflowStatus))


def test_the_end_is_told_in_its_turn_and_needs_no_other() -> None:
    ear = Ear()
    assert ends_as(Instance(ear).turn(go())) == "ORCHESTRATION_STATUS_COMPLETED"
    assert ear.notice["output"] == "now"


def test_what_was_left_to_the_activity_is_not_told_when_it_is_replayed() -> None:
    ear = Ear(away=True)
    run = Instance(ear)
    asked = run.turn(go())
    assert is_asked_for(asked)
    done = helpers.new_task_completed_event(asked[0].id)
    assert ends_as(run.turn(done)) == "ORCHESTRATION_STATUS_COMPLETED"
    assert len(ear.heard) == 1


def test_a_run_that_was_terminated_in_the_same_turn_tells_nothing() -> None:
    ear = Ear()
    ended = Instance(ear).turn(terminated(), go())
    assert ends_as(ended) == "ORCHESTRATION_STATUS_TERMINATED"
    assert ear.heard == []


def test_a_run_that_has_ended_stays_so_when_it_is_terminated_in_the_same_turn() -> None:
    ear = Ear()
    ended = Instance(ear).turn(go(), terminated())
    assert ends_as(ended) == "ORCHESTRATION_STATUS_COMPLETED"
    assert ear.notice["outcome"] == "COMPLETED"


def test_a_run_with_patches_is_told_once_the_engine_has_taken_its_last_turn() -> None:
    ear = Ear()
    assert is_asked_for(Instance(ear, patches=("discount",)).turn(go()))
    assert ear.heard == []


def test_a_run_that_no_event_started_is_told_once_the_engine_knows_when_it_began() -> None:
    ear = Ear()
    assert is_asked_for(Instance(ear, Cause()).turn(go()))
    assert ear.heard == []
