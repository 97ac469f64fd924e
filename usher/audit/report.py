"""What an audit found: the totals, and each entry that nothing accounts for."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from contracts.topics import Topic


@dataclass(frozen=True)
class Unaccounted:
    """An entry that nothing accounts for; without an entry id, entries that are gone."""

    stream: str
    entry: str | None
    source: str | None
    id: str | None
    missing: str
    count: int = 1
    route: str | None = None
    """The route that the event is for."""


@dataclass
class Report:
    """The totals are of distinct events; `entries` counts each copy.

    An event on a topic of routes counts once for each route that it is for.
    """

    entries: int = 0
    events: int = 0
    unrouted: int = 0
    """Entries on topics of routes that no route is for."""
    dispositions: Counter[str] = field(default_factory=Counter)
    open: int = 0
    """On their way: not yet delivered, or delivered and not yet acknowledged."""
    oldest_open_s: float | None = None
    forgotten: int = 0
    """Older than the ledger's memory, so nothing can be said of them."""
    before_change: int = 0
    """Not in the ledger, and older than the route as it is now: it may not have been for them."""
    findings: list[Unaccounted] = field(default_factory=list)
    reused: list[Unaccounted] = field(default_factory=list)
    """Accounted for, with a dead letter, but published with the source and id of another."""
    blind: list[Topic] = field(default_factory=list)
    """Streams of which nobody can tell whether entries were deleted (Redis before 7)."""
    topics: list[str] = field(default_factory=list)
    """What was read."""
    not_audited: list[str] = field(default_factory=list)
    """Topics of routes on brokers that are not Usher's."""

    not_seen: dict[str, str] = field(default_factory=dict)
    """Topics that could not be read, and why: nothing is said of their events."""

    @property
    def unaccounted(self) -> int:
        return sum(finding.count for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        return {
            "unaccounted": self.unaccounted,
            "events": self.events,
            "dispositions": dict(sorted(self.dispositions.items())),
            "entries": self.entries,
            "duplicates": self.entries - self.events,
            "open": self.open,
            "oldest_open_s": self.oldest_open_s,
            "forgotten": self.forgotten,
            "before_change": self.before_change,
            "unrouted": self.unrouted,
            "deletions_unseen": [str(topic) for topic in self.blind],
            "topics": self.topics,
            "not_audited": self.not_audited,
            "not_seen": self.not_seen,
            "findings": [asdict(finding) for finding in self.findings],
            "reused": [asdict(finding) for finding in self.reused],
        }
