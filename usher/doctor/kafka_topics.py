"""Checks of Kafka's topics as they are: what they keep, what they take, and who reads them."""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.finding import Finding, refusal, warning
from contracts.topics import Topic

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ROOM_BYTES = 12 * 1024 * 1024
"""What the component files send at most: a dead letter holds its event (`maxMessageBytes`)."""


@dataclass(frozen=True)
class Settings:
    """What a topic of Usher's is set to."""

    retention_ms: int = 7 * DAY_MS
    """How long it keeps events; -1 for ever."""
    cleanup: str = "delete"
    """`delete`, `compact`, or both."""
    max_bytes: int = ROOM_BYTES
    """The largest record."""
    partitions: int = 1


@dataclass(frozen=True)
class Reading:
    """How far the group that must read a topic has come."""

    group: str
    known: bool = True
    """Whether it has a place in the topic, or reads it now."""
    deleted: int = 0
    """Events that Kafka deleted before the group had read them."""
    oldest_ms: int | None = None
    """When the oldest event came that the group has not read; None if it has read all."""


def settings(
    topic: Topic, has: Settings, offsets_ms: int, stream_days: float, ledger_days: float
) -> Iterator[Finding]:
    """Check the settings of a topic. `offsets_ms` is how long Kafka knows the place of a group."""
    where = f"the topic {topic}"
    yield from _retention(where, has, stream_days, ledger_days)
    if "compact" in has.cleanup:
        wrong = f"{has.cleanup}: of the events of an instance, only the last is kept"
        yield refusal(f"{where}: cleanup.policy", wrong, "delete", "P2")
    if has.max_bytes < ROOM_BYTES:
        wrong = f"{has.max_bytes}: larger events are refused, and larger dead letters are cut"
        yield warning(f"{where}: max.message.bytes", wrong, f"{ROOM_BYTES}", "P8")
    if topic is Topic.EVENTS and has.partitions > 1:
        wrong = f"{has.partitions} partitions: events without a key reach an instance in any order"
        right = "one partition, or publish with the instance's id as the key, as the starter does"
        yield warning(where, wrong, right, "P3")
    if 0 <= offsets_ms < has.retention_ms:
        wrong = f"{_words(offsets_ms)}, and {topic} keeps events {_words(has.retention_ms)}: after "
        wrong += "an absence, events that were served are delivered again"
        right = f"at least the retention: {has.retention_ms // 60_000}"
        yield warning("Kafka: offsets.retention.minutes", wrong, right, "bounds")


def reading(
    topic: str, found: Reading, retention_ms: int, now_ms: int, ledger_days: float
) -> Iterator[Finding]:
    """Check who reads a topic, and whether it reads in time."""
    where, group = f"the topic {topic}", found.group
    if not found.known:
        wrong = f"the consumer group {group!r} does not read it"
        right = f"start {group} with its sidecar; it begins with the oldest event"
        yield refusal(where, wrong, right, "P2")
    if found.deleted:
        wrong = f"Kafka deleted {found.deleted} events before {group} had read them"
        right = f"publish them again, and raise retention.ms above any absence of {group}"
        yield refusal(where, wrong, right, "P2")
    if found.oldest_ms is None:
        return
    age = now_ms - found.oldest_ms
    if age >= ledger_days * DAY_MS:
        wrong = f"{group} has not read an event of {_words(age)} ago, the ledger knows "
        wrong += f"{ledger_days:g} days"
        yield refusal(where, wrong, f"let {group} read, or raise its window", "P1, P2")
    elif 0 < retention_ms < 2 * age:
        wrong = f"{group} has not read an event of {_words(age)} ago, which Kafka deletes after "
        wrong += _words(retention_ms)
        yield warning(where, wrong, f"let {group} read, or raise retention.ms", "P2")


def _retention(
    where: str, has: Settings, stream_days: float, ledger_days: float
) -> Iterator[Finding]:
    where = f"{where}: retention.ms"
    right = f"more than {stream_days:g} days, and less than {ledger_days:g}"
    if has.retention_ms < 0:
        wrong = f"events are kept for ever, and the ledger knows them {ledger_days:g} days"
        yield warning(where, wrong, right, "P1")
    elif has.retention_ms >= ledger_days * DAY_MS:
        wrong = f"{_words(has.retention_ms)}, and the ledger knows an event {ledger_days:g} days"
        yield warning(where, wrong, right, "P1")
    elif has.retention_ms < stream_days * DAY_MS:
        wrong = f"{_words(has.retention_ms)}: then Kafka deletes events, read or not"
        yield warning(where, wrong, right, "P2")


def _words(ms: int) -> str:
    days = ms / DAY_MS
    return f"{days:g} days" if days >= 2 else f"{ms / HOUR_MS:g} hours"
