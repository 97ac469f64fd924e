"""The metrics registry of a service, and histogram buckets for ages."""

from prometheus_client import CollectorRegistry, generate_latest

AGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600)
"""Upper bounds of ages, in seconds."""


class ServiceMetrics:
    """The metrics of one process. Each service has a subclass that adds its own to `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

    def text(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return generate_latest(self.registry)
