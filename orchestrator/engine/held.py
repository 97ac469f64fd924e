"""Instances that did not take an event or a control, until `redelivery` has tried them again."""

PATIENCE = (0.25, 1.5)
"""The least and the most seconds that a delivery waits for its instance to take it."""


class Held:
    """Kept in memory. A restart forgets it, and finds it again by what is parked."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self._slow: set[str] = set()
        """Those that did not answer in time."""

    def __contains__(self, instance_id: str) -> bool:
        return instance_id in self.ids

    def add(self, instance_id: str, *, slow: bool = False) -> None:
        """Leave an instance to `redelivery`."""
        self.ids.add(instance_id)
        (self._slow.add if slow else self._slow.discard)(instance_id)

    def discard(self, instance_id: str) -> None:
        """Hold an instance no longer: it is tried now."""
        self.ids.discard(instance_id)
        self._slow.discard(instance_id)

    def patience(self, instance_id: str) -> float:
        """Return how many seconds a delivery may wait for an instance: the less the more of them
        did not answer before, as all other deliveries wait meanwhile."""
        least, most = PATIENCE
        return least if instance_id in self.ids else max(least, most / (1 + len(self._slow)))
