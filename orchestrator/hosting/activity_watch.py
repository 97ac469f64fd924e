"""Counts the activities that run and that wait for a thread, and names those that run longest."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from orchestrator.hosting.work_item import WorkItem
from orchestrator.metrics import Metrics

FULL_SECONDS = 5
"""How long an activity waits for a thread before that is said."""
SAY_AGAIN_SECONDS = 60
NAMED = 5

_log = structlog.get_logger()


class Running:
    """The activities of this process; entered and left on the worker's loop, or a thread of it."""

    def __init__(self, metrics: Metrics, threads: int) -> None:
        self._metrics = metrics
        self._threads = threads
        self._runs: dict[object, tuple[WorkItem, float]] = {}
        self._waits: dict[object, float] = {}
        self._said = -float(SAY_AGAIN_SECONDS)
        self.without_code: dict[str, str] = {}
        """Instances that called an activity which is not here, with its name."""
        metrics.activity_threads.set(threads)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count an activity that waits for a thread."""
        mark = object()
        self._waits[mark] = time.monotonic()
        try:
            yield
        finally:
            self._waits.pop(mark, None)

    @contextmanager
    def running(self, task: WorkItem) -> Iterator[None]:
        """Count an activity that runs."""
        mark, gauge = object(), self._metrics.activities_running.labels(task.name)
        self._runs[mark] = task, time.monotonic()
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()
            self._runs.pop(mark, None)

    def unknown(self, task: WorkItem) -> None:
        """Note an activity that is not here; said once for each instance."""
        if task.instance_id not in self.without_code:
            said = "a call of an activity that is not here: its run stands still"
            _log.warning(said, activity=task.name, instance_id=task.instance_id)
        self.without_code[task.instance_id] = task.name

    def look(self) -> None:
        """Set the gauge of those that wait; say which run longest where one waits for long."""
        now, waits = time.monotonic(), list(self._waits.values())
        self._metrics.activities_waiting.set(len(waits))
        if not waits or now - min(waits) < FULL_SECONDS or now - self._said < SAY_AGAIN_SECONDS:
            return
        self._said = now
        longest = sorted(self._runs.values(), key=lambda run: run[1])[:NAMED]
        _log.warning(
            "activities wait for a thread: see ORCHESTRATOR_ACTIVITY_THREADS",
            waiting=len(waits),
            threads=self._threads,
            longest=[f"{t.name} of {t.instance_id}: {now - since:.0f} s" for t, since in longest],
        )
