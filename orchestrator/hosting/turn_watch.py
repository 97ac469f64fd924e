"""Watches the turns of workflows, and fails the runs whose turn does not return.

A turn runs a workflow from its last event to its next `yield`, which takes milliseconds. The
sidecar hands out 16 turns at a time, so a few that block would stop every workflow. A turn is
blocked when it has reached no `yield` for `BLOCKED_SECONDS`. Its run fails after `MOST_SECONDS`, or
at once if all 16 turns are blocked. Its thread is lost, because no thread can be stopped.
"""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from orchestrator.hosting.work_item import WorkItem
from orchestrator.metrics import Metrics
from orchestrator.runs.turn import Turn, in_this_thread

AT_ONCE = 16
"""How many turns the sidecar hands out at once: `maxConcurrentWorkflowInvocations`."""
THREADS = 256
"""The most threads for turns. Most of them are spare, to replace lost ones."""
MOST_LOST = 128
"""With this many threads lost, the process must be replaced."""
LOOK_SECONDS = 0.5
BLOCKED_SECONDS = 5
MOST_SECONDS = 30
ISOLATED_SECONDS = 90
"""How long a turn may take in an isolated process, with the start of that process."""

_log = structlog.get_logger()


class TurnTimeout(Exception):
    """A turn of a workflow reached no `yield` in time. The message says where it was."""


class TurnWatch:
    """Watches the turns of this process. Call `look` every `LOOK_SECONDS`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._running: set[Turn] = set()
        self._lost: set[Turn] = set()

    @property
    def ended(self) -> str | None:
        """Why no more turns can run here, or None while they can."""
        return f"{MOST_LOST} turns have not returned" if len(self._lost) >= MOST_LOST else None

    @contextmanager
    def running(self, item: WorkItem, fail: Callable[[Exception], None]) -> Iterator[None]:
        """Count a turn that runs in this thread. `fail` answers it as failed."""
        turn = Turn(item.instance_id, fail)
        self._running.add(turn)
        try:
            with in_this_thread(turn):
                yield
        finally:
            self._running.discard(turn)
            self._lost.discard(turn)

    def look(self) -> None:
        """Warn of each blocked turn. Fail those blocked for long, or all if all 16 are blocked."""
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
            return  # the turn has just returned
        self._running.discard(turn)
        self._lost.add(turn)
        message = (
            f"a turn of {turn.workflow or 'a workflow'} came to no yield within "
            f"{_seconds(turn):g} s, and blocks other workflows: it was at {_place(turn.thread)}; "
            "do it in an activity"
        )
        about = {"workflow": turn.workflow, "instance_id": turn.instance_id}
        _log.error("a run fails because its turn does not return", **about, lost=len(self._lost))
        turn.fail(TurnTimeout(message))


def _seconds(turn: Turn) -> float:
    """Return how long a turn is at one step, by looks. A machine that stands still adds none."""
    return turn.looks * LOOK_SECONDS


def _place(thread: int) -> str:
    """Return the innermost line of a thread that is in no installed package."""
    frame = sys._current_frames().get(thread)
    stack = traceback.extract_stack(frame) if frame else []
    for line in reversed(stack):
        if "site-packages" not in line.filename and "/lib/python" not in line.filename:
            return f"{line.filename}:{line.lineno} in {line.name}: {line.line}"
    return "an unknown place"
