"""What the orchestrator counts, for `/metrics`."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """Counters and gauges of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.dispositions = Counter(
            "usher_deliveries",
            "Deliveries by what became of them.",
            ["topic", "disposition"],
            registry=self._registry,
        )
        self.stalled = Gauge(
            "usher_instances_stalled",
            "Instances that the engine has stopped running.",
            registry=self._registry,
        )

    def text(self) -> bytes:
        """Return all of it in the Prometheus text format."""
        return generate_latest(self._registry)
