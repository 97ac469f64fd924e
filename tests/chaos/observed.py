"""What was seen of a storm: plain data, that a verdict is made of and a test can make up."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.plan import Blow


@dataclass(frozen=True)
class Execution:
    """An activity did its work: a line of the tally."""

    mark: str
    instance_id: str
    step: str
    execution_id: str
    at: float
    """Unix time, s."""


@dataclass(frozen=True)
class Struck:
    """A blow as it fell."""

    blow: Blow
    starts: int
    notices: int
    in_flight: int
    at: float
    """Seconds since the storm began."""


@dataclass(frozen=True)
class Outage:
    """A time in which no notice came although runs were in flight."""

    begun: float
    seconds: float


@dataclass
class Observed:
    """All there is to judge by, beside the plan."""

    accepted: Counter[str] = field(default_factory=Counter)
    """From the publisher: acknowledged publications by mark."""
    sent_again: int = 0
    executions: list[Execution] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)
    dispositions: dict[str, str] = field(default_factory=dict)
    duplicates: int = 0
    """Deliveries that the ledger counted as repeats of an event."""
    created: dict[str, float] = field(default_factory=dict)
    """Instance → when the engine created it, or its last generation: Unix time, s."""
    unfinished: list[str] = field(default_factory=list)
    """Instances that the engine holds and that have not ended."""
    parked: list[str] = field(default_factory=list)
    streams: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Topic → entries, and distinct CloudEvent ids among them."""
    unread: int = 0
    """Entries of the topics that a group has not acknowledged."""
    struck: list[Struck] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    deadlocks: list[str] = field(default_factory=list)
    seconds: float = 0
    audit: dict[str, Any] | None = None
    """What `usher audit` says."""
