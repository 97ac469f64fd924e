"""What the starter counts, for `/metrics`."""

from prometheus_client import Counter

from chassis.metrics import ServiceMetrics


class Metrics(ServiceMetrics):
    """What was published and what was refused."""

    def __init__(self) -> None:
        super().__init__()
        self.published = Counter(
            "usher_published",
            "Events that the broker has taken.",
            ["topic"],
            registry=self.registry,
        )
        self.refused = Counter(
            "usher_refused",
            "Requests refused at the door, by why.",
            ["reason"],
            registry=self.registry,
        )
