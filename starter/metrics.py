"""What the starter counts, for `/metrics`."""

from prometheus_client import CollectorRegistry, Counter, generate_latest


class Metrics:
    """Counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.published = Counter(
            "usher_published",
            "Events that the broker has taken.",
            ["topic"],
            registry=self._registry,
        )
        self.refused = Counter(
            "usher_refused",
            "Requests refused at the door, by why.",
            ["reason"],
            registry=self._registry,
        )

    def text(self) -> bytes:
        """Return all of it in the Prometheus text format."""
        return generate_latest(self._registry)
