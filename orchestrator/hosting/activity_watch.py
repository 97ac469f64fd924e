"""Counts the activities that run or wait for a thread, and names those that run longest."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from orchestrator.hosting.work_item import WorkItem
from orchestrator.metrics import Metrics

WARN_SECONDS = 5
"""How long an activity waits for a thread before a warning is logged."""
WARN_AGAIN_SECONDS = 60
NAMED_AT_MOST = 5

_log = structlog.get_logger()


class ActivityWatch:
    """Watches the activities of this process. Used on the worker's loop and its threads."""

    def __init__(self, metrics: Metrics, threads: int) -> None:
        self._metrics = metrics
        self._threads = threads
        self._runs: dict[object, tuple[WorkItem, float]] = {}
        self._waits: dict[object, float] = {}
        self._warned = -float(WARN_AGAIN_SECONDS)
        self.unknown: dict[str, str] = {}
        """By instance, the activity it called that is not here."""
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
    def running(self, item: WorkItem) -> Iterator[None]:
        """Count an activity that runs."""
        mark, gauge = object(), self._metrics.activities_running.labels(item.name)
        self._runs[mark] = item, time.monotonic()
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()
            self._runs.pop(mark, None)

    def note_unknown(self, item: WorkItem) -> None:
        """Note an activity that is not here. Warn once for each instance."""
        if item.instance_id not in self.unknown:
            message = "the run called an activity that is not here, and waits until it is"
            _log.warning(message, activity=item.name, instance_id=item.instance_id)
        self.unknown[item.instance_id] = item.name

    def look(self) -> None:
        """Set the gauge of waiting activities. If one waits long, name those that run longest."""
        now, waits = time.monotonic(), list(self._waits.values())
        self._metrics.activities_waiting.set(len(waits))
        if not waits or now - min(waits) < WARN_SECONDS or now - self._warned < WARN_AGAIN_SECONDS:
            return
        self._warned = now
        longest = sorted(self._runs.values(), key=lambda run: run[1])[:NAMED_AT_MOST]
        _log.warning(
            "activities wait for a thread: see ORCHESTRATOR_ACTIVITY_THREADS",
            waiting=len(waits),
            threads=self._threads,
            longest=[f"{i.name} of {i.instance_id}: {now - since:.0f} s" for i, since in longest],
        )
