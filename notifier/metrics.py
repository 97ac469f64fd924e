"""What the notifier counts, for `/metrics`."""

import math
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from chassis.metrics import AGES, ServiceMetrics
from notifier.records import DeadLetter, Notice

MOST_WORKFLOWS, LONGEST_NAME = 1000, 128
"""The most workflows that get a label, and the longest name. All others are counted as `other`."""


class Metrics(ServiceMetrics):
    """Counters of one process. A repeat is not counted again."""

    def __init__(self) -> None:
        super().__init__()
        self._workflows: set[str] = set()
        own: dict[str, Any] = {"registry": self.registry}
        self._notices = Counter(
            "usher_notices", "Endings heard of, by outcome.", ["workflow", "outcome"], **own
        )
        self._delay = Histogram(
            "usher_notice_delay_seconds",
            "From the end of a run to its notice.",
            buckets=AGES,
            **own,
        )
        self._age = Histogram(
            "usher_notice_age_seconds",
            "From the start of a run to its notice.",
            buckets=AGES,
            **own,
        )
        self._letters = Counter(
            "usher_dead_letters_kept", "Dead letters heard of, by reason.", ["reason"], **own
        )

        self._marked = Gauge(
            "usher_instances_waiting_event_aside",
            "Instances that wait for an event that is parked or dead-lettered; NaN where unknown.",
            **own,
        )
        self._marked.set(math.nan)

    def overlooked(self, instances: int | None) -> None:
        """Note how many instances wait while their event lies aside; None for: nobody could say."""
        self._marked.set(math.nan if instances is None else instances)

    def notice(self, notice: Notice) -> None:
        self._notices.labels(self._name(notice.workflow), notice.outcome).inc()
        for histogram, since in ((self._delay, notice.finished_at), (self._age, notice.started_at)):
            histogram.observe(max((notice.seen_at - since).total_seconds(), 0))

    def _name(self, workflow: str) -> str:
        """Return a label for a workflow: a notice may be anybody's, and each label costs memory."""
        if workflow not in self._workflows:
            if len(self._workflows) >= MOST_WORKFLOWS or len(workflow) > LONGEST_NAME:
                return "other"
            self._workflows.add(workflow)
        return workflow

    def dead_letter(self, letter: DeadLetter) -> None:
        self._letters.labels(letter.reason).inc()
