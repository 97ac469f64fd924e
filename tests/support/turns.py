"""A workflow of an author's on the SDK's own executor, turn by turn, without an engine."""

import json
import logging
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext

# What the SDK's worker does on each turn; it exports neither this nor a way to write a history.
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import protos as pb
from dapr.ext.workflow._durabletask.worker import _OrchestrationExecutor, _Registry

from contracts.authoring import WorkflowTag
from orchestrator.engine.envelope import Cause, seal
from orchestrator.runs.definition import Definition
from orchestrator.runs.wrapper import wrapped
from tests.support.ear import Ear

Author = Callable[..., Generator[Any, Any, Any]]


class Turns:
    """One run; each turn replays all that was before, as a new worker does."""

    def __init__(
        self,
        author: Author,
        tag: WorkflowTag,
        ear: Ear,
        cause: Cause,
        code: str | None = None,
    ) -> None:
        self._tag, self._ear, self._code = tag, ear, code
        self.deploy(author)
        self._history: list[Any] = []
        stored = json.dumps(seal(cause, None))
        self._told = [helpers.new_execution_started_event("run", "i-1", stored)]
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def deploy(self, author: Author) -> None:
        """Have the turns from now on run this code."""
        run = wrapped(Definition(author, self._tag, Path(__file__)), self._ear, self._code)

        def orchestrator(ctx: Any, stored: Any = None) -> Any:
            return run(DaprWorkflowContext(ctx), stored)

        registry = _Registry()
        registry.add_named_orchestrator("run", orchestrator)
        self._executor = _OrchestrationExecutor(registry, logging.getLogger(__name__))

    def turn(self, *told: Any, patches: tuple[str, ...] = ()) -> list[Any]:
        """Hand over what came, and return the actions that the turn asks for; what the engine notes
        of those is in the history of the next."""
        started = helpers.new_workflow_started_event(self.now)
        started.workflowStarted.version.patches.extend(patches)
        new = [started, *self._told, *told]
        self._told = []
        outcome = self._executor.execute("i-1", self._history, new)
        self._history += new
        for action in outcome.actions:
            if action.HasField("createTimer"):
                made = action.createTimer
                timer = pb.TimerCreatedEvent(fireAt=made.fireAt, name=made.name)
                self._history.append(pb.HistoryEvent(eventId=action.id, timerCreated=timer))
            if action.HasField("createChildWorkflow"):
                asked = action.createChildWorkflow
                child = pb.ChildWorkflowInstanceCreatedEvent(
                    name=asked.name, instanceId=asked.instanceId
                )
                created = pb.HistoryEvent(eventId=action.id, childWorkflowInstanceCreated=child)
                self._history.append(created)
            if action.HasField("scheduleTask"):
                task = pb.TaskScheduledEvent(name=action.scheduleTask.name)
                self._history.append(pb.HistoryEvent(eventId=action.id, taskScheduled=task))
        return list(outcome.actions)
