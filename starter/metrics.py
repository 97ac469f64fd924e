"""The starter's metrics, for `/metrics`."""

from prometheus_client import Counter

from chassis.metrics import ServiceMetrics


class Metrics(ServiceMetrics):
    """Counters of published events and refused requests."""

    def __init__(self) -> None:
        super().__init__()
        self.published = Counter(
            "usher_published",
            "Events that the broker has accepted.",
            ["topic"],
            registry=self.registry,
        )
        self.refused = Counter(
            "usher_refused",
            "Requests that the starter refused, by reason.",
            ["reason"],
            registry=self.registry,
        )
