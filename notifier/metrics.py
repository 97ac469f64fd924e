"""The notifier's metrics, for `/metrics`."""

import math
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from chassis.metrics import AGES, ServiceMetrics
from contracts.records import DeadLetter, Notice

MOST_WORKFLOWS, LONGEST_NAME = 1000, 128
"""How many workflows get a label of their own, and the longest name. The rest count as `other`."""


class Metrics(ServiceMetrics):
    """Metrics of one process. A repeated delivery is not counted again."""

    def __init__(self) -> None:
        super().__init__()
        self._workflows: set[str] = set()
        own: dict[str, Any] = {"registry": self.registry}
        self._notices = Counter(
            "usher_notices",
            "Completion events received, by workflow and outcome.",
            ["workflow", "outcome"],
            **own,
        )
        self._delay = Histogram(
            "usher_notice_delay_seconds",
            "Seconds from the end of a run to its notice.",
            buckets=AGES,
            **own,
        )
        self._age = Histogram(
            "usher_notice_age_seconds",
            "Seconds from the start of a run to its notice.",
            buckets=AGES,
            **own,
        )
        self._letters = Counter(
            "usher_dead_letters_kept", "Dead letters received, by reason.", ["reason"], **own
        )

        self._blocked = Gauge(
            "usher_instances_waiting_event_aside",
            "Instances that wait for an event that is parked or dead-lettered; NaN where unknown.",
            **own,
        )
        self._blocked.set(math.nan)

    def set_blocked(self, instances: int | None) -> None:
        """Set how many instances wait for a parked or dead-lettered event; None: unknown."""
        self._blocked.set(math.nan if instances is None else instances)

    def notice(self, notice: Notice) -> None:
        self._notices.labels(self._name(notice.workflow), notice.outcome).inc()
        for histogram, since in ((self._delay, notice.finished_at), (self._age, notice.started_at)):
            histogram.observe(max((notice.seen_at - since).total_seconds(), 0))

    def _name(self, workflow: str) -> str:
        """Return the label of a workflow. Labels cost memory, and anyone can publish notices."""
        if workflow not in self._workflows:
            if len(self._workflows) >= MOST_WORKFLOWS or len(workflow) > LONGEST_NAME:
                return "other"
            self._workflows.add(workflow)
        return workflow

    def dead_letter(self, letter: DeadLetter) -> None:
        self._letters.labels(letter.reason).inc()
