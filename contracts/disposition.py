"""The dispositions: what can become of an event."""

from enum import StrEnum


class Disposition(StrEnum):
    """The outcome of an event. `claimed` and `parked` are open; all others are final."""

    CLAIMED = "claimed"
    PARKED = "parked"
    STARTED = "started"
    DELIVERED = "delivered"
    CONTROLLED = "controlled"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    DEAD_LETTERED = "dead_lettered"
