"""The turns that run here, and the end of those that do not return.

A turn is one run of a workflow from what happened last to its next `yield`, a matter of
milliseconds. The sidecar hands out 16 at a time, so a few that block would stop every workflow.
One is blocked that has come to no `yield` for `BLOCKED_SECONDS`. Its run fails once it has been for
`MOST_SECONDS`, or at once where all that run are blocked. Its thread is lost: none can be stopped.
"""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from orchestrator.hosting.work_item import WorkItem as Task
from orchestrator.metrics import Metrics
from orchestrator.runs.turn import Turn, in_this_thread

AT_ONCE = 16
"""As many as the sidecar hands out: `maxConcurrentWorkflowInvocations`."""
THREADS = 256
"""Threads there may be for turns, most of which stand by for those that are lost."""
MOST_LOST = 128
"""With so many threads lost the process is to be replaced."""
LOOK_SECONDS = 0.5
BLOCKED_SECONDS = 5
MOST_SECONDS = 30
APART_SECONDS = 90
"""How long a turn may take in a process of its own, which is to start first."""

_log = structlog.get_logger()


class TurnTimeout(Exception):
    """A turn of a workflow came to no `yield` in time. Says where it was."""


class Turns:
    """The turns of this process; `look` is to be called every `LOOK_SECONDS`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._running: set[Turn] = set()
        self._lost: set[Turn] = set()

    @property
    def ended(self) -> str | None:
        """Why no more turns may run here, None while they do."""
        return f"{MOST_LOST} turns have not returned" if len(self._lost) >= MOST_LOST else None

    @contextmanager
    def running(self, task: Task, fail: Callable[[Exception], None]) -> Iterator[None]:
        """Count a turn that runs in this thread."""
        turn = Turn(task.instance_id, fail)
        self._running.add(turn)
        try:
            with in_this_thread(turn):
                yield
        finally:
            self._running.discard(turn)
            self._lost.discard(turn)

    def look(self) -> None:
        """Name what blocks, and end it where it has for long, or where nothing else runs."""
        for turn in (running := list(self._running)):
            turn.looks += 1
        blocked = [turn for turn in running if _seconds(turn) >= BLOCKED_SECONDS]
        self._metrics.turns_running.set(len(running))
        self._metrics.turns_blocked.set(len(blocked) + len(self._lost))
        for turn in blocked:
            if not turn.reported:
                turn.reported = True
                about = {"workflow": turn.workflow, "instance_id": turn.instance_id}
                _log.warning("a turn of a workflow blocks", **about, at=_place(turn.thread))
            if _seconds(turn) >= MOST_SECONDS or len(blocked) >= AT_ONCE:
                self._end(turn)

    def _end(self, turn: Turn) -> None:
        if not turn.claim():
            return  # it has just returned
        self._running.discard(turn)
        self._lost.add(turn)
        message = (
            f"a turn of {turn.workflow or 'a workflow'} came to no yield within "
            f"{_seconds(turn):g} s, and blocks other workflows: it was at {_place(turn.thread)}; "
            "do it in an activity"
        )
        about = {"workflow": turn.workflow, "instance_id": turn.instance_id}
        _log.error("a run is failed, as its turn does not return", **about, lost=len(self._lost))
        turn.fail(TurnTimeout(message))


def _seconds(turn: Turn) -> float:
    """Return how long a turn has been seen at one step; a machine that stands still sees none."""
    return turn.looks * LOOK_SECONDS


def _place(thread: int) -> str:
    """Return the line that a thread is at: of an author's file, where there is one."""
    frame = sys._current_frames().get(thread)
    stack = traceback.extract_stack(frame) if frame else []
    for one in reversed(stack):
        if "site-packages" not in one.filename and "/lib/python" not in one.filename:
            return f"{one.filename}:{one.lineno} in {one.name}: {one.line}"
    return "an unknown place"
