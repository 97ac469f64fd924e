"""What the orchestrator counts, for `/metrics`."""

from datetime import UTC, datetime
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from chassis.metrics import AGES, ServiceMetrics


class Metrics(ServiceMetrics):
    """Counters and gauges of one process."""

    def __init__(self) -> None:
        super().__init__()
        own: dict[str, Any] = {"registry": self.registry}
        self.dispositions = Counter(
            "usher_deliveries",
            "Deliveries by what became of them; a repeat is `duplicate`.",
            ["topic", "disposition"],
            **own,
        )
        self.dead_letters = Counter(
            "usher_dead_letters", "Events put aside, by why.", ["topic", "reason"], **own
        )
        self.route_events = Counter(
            "usher_route_events",
            "Deliveries that a route was for: matched, or refused as dead letters.",
            ["route", "outcome"],
            **own,
        )
        self.unrouted_events = Counter(
            "usher_unrouted_events", "Deliveries that no route was for.", ["topic"], **own
        )
        self._age = Histogram(
            "usher_event_age_seconds",
            "From an event's `time` to its start, delivery or control; of those that have one.",
            ["topic"],
            buckets=AGES,
            **own,
        )
        self.in_flight = Gauge(
            "usher_deliveries_in_flight", "Deliveries that are handled now.", **own
        )
        self.stalled = Gauge(
            "usher_instances_stalled", "Instances that the engine has stopped running.", **own
        )
        self.unknown = Gauge(
            "usher_instances_unknown_workflow", "Instances whose workflow is not here.", **own
        )
        self.without_activity = Gauge(
            "usher_instances_unknown_activity",
            "Instances that called an activity which is not here.",
            **own,
        )
        self.activity_threads = Gauge(
            "usher_activity_threads", "Threads for synchronous activities.", **own
        )
        self.activities_running = Gauge(
            "usher_activities_running", "Activities that run now.", ["activity"], **own
        )
        self.activities_waiting = Gauge(
            "usher_activities_waiting", "Synchronous activities that wait for a thread.", **own
        )
        self.turns_running = Gauge("usher_turns_running", "Turns of workflows that run now.", **own)
        self.turns_blocked = Gauge(
            "usher_turns_blocked", "Turns of workflows that do not come to their next yield.", **own
        )
        self.loops_blocked = Gauge(
            "usher_async_loops_blocked", "Event loops that an async activity blocks now.", **own
        )
        self.task_deaths = Counter(
            "usher_task_deaths", "Processes of their own that tasks ended.", ["task"], **own
        )
        self._parked = Gauge(
            "usher_parked_events", "Events that wait for an instance to appear.", **own
        )
        self.held_starts = Gauge("usher_held_starts", "Starts that wait until they are due.", **own)
        self._parked_age = Gauge(
            "usher_parked_oldest_age_seconds", "Age of the event that waits longest.", **own
        )

    def served(self, topic: str, time: Any) -> None:
        """Note the age of an event that was served; `time` is its attribute, RFC 3339."""
        try:
            age = datetime.now(UTC) - datetime.fromisoformat(time)
        except (TypeError, ValueError, OverflowError):
            return  # it has none, or one that says nothing
        self._age.labels(topic).observe(max(age.total_seconds(), 0))

    def parked(self, since: list[datetime]) -> None:
        """Note since when each parked event waits."""
        self._parked.set(len(since))
        oldest = min(since, default=None)
        self._parked_age.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
