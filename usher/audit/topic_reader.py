"""What the audit asks of a broker: the entries of a topic, and how far a group has read them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

PAGE = 1000
STREAM = -1
"""The partition of every entry on Redis, where a topic is one stream."""


class EntryId(NamedTuple):
    """Where an entry is, and when the broker took it."""

    ms: int
    """Milliseconds since 1970."""
    number: int
    """Kafka's offset; on Redis, which of the entries of this millisecond."""
    partition: int = STREAM

    @property
    def place(self) -> tuple[int, ...]:
        """Its order among the entries of its partition."""
        return (self.ms, self.number) if self.partition == STREAM else (self.number,)

    @property
    def name(self) -> str:
        """The broker's own name of it."""
        first = self.ms if self.partition == STREAM else self.partition
        return f"{first}-{self.number}"


@dataclass(frozen=True)
class StreamEntry:
    """One entry of a topic, as the service that reads the topic gets it."""

    topic: str
    id: EntryId
    data: bytes


@dataclass(frozen=True)
class Progress:
    """How far a group had come in each partition of a topic when the broker was asked."""

    last: Mapping[int, EntryId] = field(default_factory=dict)
    """The newest entry of each partition that holds any."""
    delivered: Mapping[int, EntryId] = field(default_factory=dict)
    """The newest entry that the group had been given. Empty without such a group."""
    pending: frozenset[EntryId] = frozenset()
    """Given, and not acknowledged."""
    often: Mapping[EntryId, int] = field(default_factory=dict)
    """How often, of those that were given too often."""

    def acknowledged(self, entry: EntryId) -> bool:
        given = self.delivered.get(entry.partition)
        return given is not None and entry.place <= given.place and entry not in self.pending


class Gone(NamedTuple):
    """Entries that are no longer on their topic, though they should be."""

    number: int
    how: str
    """Follows the number: `entries were deleted …`."""


class TopicReader(Protocol):
    """Reads the topics of one broker, and changes nothing."""

    def unseen(self, topic: str) -> str | None:
        """Return why a topic cannot be read; None if it can be."""

    def progress(self, topic: str, group: str) -> Progress:
        """Return how far a group has come. What is acknowledged by this was so before."""

    def pages(self, topic: str, upto: Progress) -> Iterator[list[StreamEntry]]:
        """Yield the entries that there were at `upto`, oldest first in each partition."""

    def again(self, topic: str, ids: Iterable[EntryId]) -> list[StreamEntry]:
        """Return those of the entries that are still there."""

    def vanished(self, topic: str, group: str) -> list[Gone] | None:
        """Return the entries that are gone; None where the broker cannot tell."""


class Unread:
    """A broker that cannot be read."""

    def __init__(self, why: str) -> None:
        self._why = why

    def unseen(self, _topic: str) -> str | None:
        return self._why

    def progress(self, _topic: str, _group: str) -> Progress:
        return Progress()

    def pages(self, _topic: str, _upto: Progress) -> Iterator[list[StreamEntry]]:
        return iter(())

    def again(self, _topic: str, _ids: Iterable[EntryId]) -> list[StreamEntry]:
        return []

    def vanished(self, _topic: str, _group: str) -> list[Gone] | None:
        return None
