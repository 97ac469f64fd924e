"""The turn that a run ends in, on the SDK's own executor: when it tells the end, and when not."""

import json
import logging
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext

# What the SDK's worker does on each turn; it exports neither this nor a way to write a history.
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import protos as pb
from dapr.ext.workflow._durabletask.worker import _OrchestrationExecutor, _Registry

from orchestrator.announced import ANNOUNCE, wrapped
from orchestrator.definition import Definition
from orchestrator.envelope import Cause, seal
from orchestrator.registry import WorkflowTag
from tests.support.ear import Ear

Run = Generator[Any, Any, Any]
CAUSE = Cause(event_id="start", key="k")


def waits(ctx: DaprWorkflowContext) -> Run:
    return (yield ctx.wait_for_external_event("go"))


class Instance:
    """One run of `waits`, turn by turn; each replays all that was before."""

    def __init__(self, ear: Ear, cause: Cause = CAUSE, patches: tuple[str, ...] = ()) -> None:
        run = wrapped(Definition(waits, WorkflowTag(), Path(__file__)), ear)

        def orchestrator(ctx: Any, stored: Any = None) -> Any:
            return run(DaprWorkflowContext(ctx), stored)

        registry = _Registry()
        registry.add_named_orchestrator("waits", orchestrator)
        self._executor = _OrchestrationExecutor(registry, logging.getLogger(__name__))
        self._history: list[Any] = []
        stored = json.dumps(seal(cause, None))
        self.turn(helpers.new_execution_started_event("waits", "i-1", stored), patches=patches)

    def turn(self, *told: Any, patches: tuple[str, ...] = ()) -> list[Any]:
        """Hand over what came, and return what the turn asks for."""
        started = helpers.new_workflow_started_event(datetime(2030, 1, 1, tzinfo=UTC))
        started.workflowStarted.version.patches.extend(patches)
        new = [started, *told]
        outcome = self._executor.execute("i-1", self._history, new)
        self._history += new
        for action in outcome.actions:
            if action.HasField("createTimer"):  # of the wait, without a deadline
                timer = pb.TimerCreatedEvent(fireAt=action.createTimer.fireAt)
                self._history.append(pb.HistoryEvent(eventId=action.id, timerCreated=timer))
            if action.HasField("scheduleTask"):
                asked = pb.TaskScheduledEvent(name=action.scheduleTask.name)
                self._history.append(pb.HistoryEvent(eventId=action.id, taskScheduled=asked))
        return list(outcome.actions)


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
