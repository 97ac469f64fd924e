"""Plays a workflow by hand, as the engine would: answers its steps, records them, replays them."""

import json
import uuid
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from dapr.ext.workflow import DaprWorkflowContext, TaskFailedError, WorkflowActivityContext

# `when_all` and `when_any` take the SDK's own tasks only, and it exports no other way to make one.
from dapr.ext.workflow._durabletask.task import (
    ActivityContext,
    CompletableTask,
    CompositeTask,
    Task,
)

STARTED = datetime(2030, 1, 1)  # noqa: DTZ001  # the engine's clock: UTC, and says not so
PENDING = object()
"""The answer to a step that has not come yet: the loser of a `when_any`."""

_MOST_STEPS = 1_000


class Step(CompletableTask[Any]):
    """What a workflow scheduled: an activity, a child, a timer, a wait for an event.

    `name` is the name of the activity, child or event, or `timer`.
    """

    def __init__(self, kind: str, name: str, given: Any = None, **options: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kind = kind
        self.name = name
        self.input = given
        self.options = {key: value for key, value in options.items() if value is not None}

    def __repr__(self) -> str:
        return f"{self.kind} {self.name} {self.input!r} {self.options.get('timeout', '')}".rstrip()


Answers = Mapping[str, Any]
"""By name of the step: its result, an exception it fails with, PENDING, or a function of the step
that returns one of these."""


@dataclass
class Played:
    """What a workflow did: the steps it scheduled, and how it ended."""

    steps: list[Step] = field(default_factory=list)
    output: Any = None
    error: Exception | None = None
    statuses: list[str] = field(default_factory=list)
    """Every custom status it set, the last one last."""
    continued: Any = None
    """The input of the next run, where it continued as new."""

    @property
    def custom_status(self) -> str | None:
        return self.statuses[-1] if self.statuses else None

    def named(self, name: str) -> list[Step]:
        return [step for step in self.steps if step.name == name]


def play(
    workflow: Callable[..., Generator[Any, Any, Any]],
    given: Any,
    answers: Answers,
    *,
    instance_id: str = "instance-1",
    started: datetime = STARTED,
    unpatched: Collection[str] = (),
) -> Played:
    """Run a workflow to its end, each step answered as told; a second passes with each answer.

    `unpatched` names the patches that came too late for this instance: `is_patched` says no.

    Then run it again with the answers it had, as the engine does on every turn: a workflow that
    schedules something else on replay fails the test.
    """
    told: list[Any] = []

    def ask(step: Step) -> Any:
        assert step.name in answers, f"no answer to {step}"
        given = answers[step.name]
        told.append(given(step) if callable(given) else given)
        return told[-1]

    first = _run(workflow, given, ask, _Recorder(instance_id, started, unpatched))
    replies = list(told)
    replayed = _Recorder(instance_id, started, unpatched, replaying=bool(replies))

    def repeat(_: Step) -> Any:
        reply = replies.pop(0)
        replayed.is_replaying = bool(replies)  # what follows the last answer is new
        return reply

    second = _run(workflow, given, repeat, replayed)
    assert repr(second) == repr(first), f"not deterministic:\n{first}\n{second}"
    return first


def failed(message: str, error_type: str = "RuntimeError") -> TaskFailedError:
    """Return what an activity that raised looks like to its workflow."""
    details = SimpleNamespace(errorMessage=message, errorType=error_type, stackTrace=None)
    return TaskFailedError(f"Activity task failed: {message}", cast(Any, details))


def activity_context(task_id: int = 1, task_execution_id: str = "") -> WorkflowActivityContext:
    """Return the context of an activity that `instance-1` scheduled."""
    return WorkflowActivityContext(ActivityContext("instance-1", task_id, task_execution_id))


def as_json(value: Any) -> Any:
    """Return what is left of a value that the engine stored; raise where it cannot."""
    return json.loads(json.dumps(value, default=lambda model: model.model_dump(mode="json")))


class _Recorder:
    """The engine's side of the SDK's context."""

    def __init__(
        self,
        instance_id: str,
        started: datetime,
        unpatched: Collection[str],
        *,
        replaying: bool = False,
    ) -> None:
        self.instance_id = instance_id
        self.unpatched = unpatched
        self.current_utc_datetime = started
        self.is_replaying = replaying
        self._is_complete = False
        self._history_patches: dict[str, bool] = {}
        self.guids = 0
        self.played = Played()

    def set_custom_status(self, custom_status: str) -> None:
        self.played.statuses.append(custom_status)

    def is_patched(self, patch_name: str) -> bool:
        return patch_name not in self.unpatched

    def new_guid(self) -> uuid.UUID:
        self.guids += 1
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{self.instance_id} {self.guids}")

    def continue_as_new(self, new_input: Any, *, save_events: bool) -> None:
        self.played.continued = {"input": as_json(new_input), "save_events": save_events}

    def create_timer(self, fire_at: datetime | timedelta) -> Step:
        return self._scheduled(Step("timer", "timer", timeout=fire_at))

    def wait_for_external_event(self, name: str, *, timeout: Any = None) -> Step:
        return self._scheduled(Step("event", name, timeout=timeout))

    def call_activity(self, activity: str, *, input: Any, **options: Any) -> Step:  # noqa: A002
        return self._scheduled(Step("activity", activity, as_json(input), **options))

    def call_sub_orchestrator(self, child: Any, *, input: Any, **options: Any) -> Step:  # noqa: A002
        name = child if isinstance(child, str) else child.__name__
        return self._scheduled(Step("child", name, as_json(input), **options))

    def settle(self, task: Task[Any], ask: Callable[[Step], Any]) -> None:
        """Answer the steps that `task` waits for, in their order, until it is complete."""
        assert isinstance(task, Task), f"a workflow yields tasks, not {task!r}"
        for step in _steps(task):
            if task.is_complete:
                return
            if step.is_complete or (answer := ask(step)) is PENDING:
                continue
            self._let_time_pass(step, answer)
            if isinstance(answer, Exception):
                step.cancel(answer)
            else:
                step.complete(as_json(answer))
        assert task.is_complete, f"it waits for ever for {_steps(task)}"

    def _scheduled(self, step: Step) -> Step:
        self.played.steps.append(step)
        assert len(self.played.steps) <= _MOST_STEPS, "it never ends"
        return step

    def _let_time_pass(self, step: Step, answer: Any) -> None:
        until = timedelta(seconds=1)
        if step.kind == "timer" or isinstance(answer, TimeoutError):
            until = step.options["timeout"]
        now = self.current_utc_datetime
        self.current_utc_datetime = until if isinstance(until, datetime) else now + until


def _steps(task: Task[Any]) -> list[Step]:
    if isinstance(task, CompositeTask):
        return [step for child in task.get_tasks() for step in _steps(child)]
    return [cast(Step, task)]


def _run(
    workflow: Callable[..., Generator[Any, Any, Any]],
    given: Any,
    ask: Callable[[Step], Any],
    recorder: _Recorder,
) -> Played:
    played = recorder.played
    run = workflow(DaprWorkflowContext(cast(Any, recorder)), given)
    task: Task[Any] | None = None
    while True:
        try:
            if task is not None and task.is_failed:
                task = run.throw(task.get_exception())
            else:
                task = run.send(task.get_result() if task else None)
        except StopIteration as end:
            output, error = end.value, None
            break
        except Exception as raised:
            output, error = None, raised
            break
        recorder.settle(task, ask)
    if played.continued is None:  # else the engine forgets how this run ended
        played.output, played.error = as_json(output), error
    return played
