"""Checks of the streams as they are: read by those who must, trimmed, nobody left behind."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from contracts.finding import Finding, refusal, warning
from contracts.topics import READ_BY, Topic

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Stream:
    """One stream: its oldest entry, and the oldest that each group has not acknowledged."""

    length: int
    first_ms: int
    reached_ms: Mapping[str, int]


def streams(
    found: Mapping[Topic, Stream], now_ms: int, stream_days: float, ledger_days: float
) -> Iterator[Finding]:
    """Check each stream that there is."""
    for topic, stream in found.items():
        if READ_BY[topic] not in stream.reached_ms:
            wrong = f"it has no consumer group {READ_BY[topic]!r}: nobody reads it"
            right = f"start {READ_BY[topic]} with its sidecar; it begins with the oldest entry"
            yield refusal(f"the stream {topic}", wrong, right, "P2")
        if not stream.length:
            continue
        age = (now_ms - stream.first_ms) / DAY_MS
        if age >= ledger_days:
            wrong = f"its oldest entry is {age:.0f} days old, the ledger knows {ledger_days:g}"
            right = "let every group acknowledge it, or raise ORCHESTRATOR_LEDGER_DAYS"
            yield refusal(f"the stream {topic}", wrong, right, "P1, P2")
        elif age > stream_days + 1:
            yield _kept(topic, stream, age, stream_days)


def unread(names: Iterable[str]) -> Iterator[Finding]:
    """Name the streams that no group reads: what was published there starts nothing."""
    for name in names:
        wrong = "it has no consumer group: nobody reads it"
        right = "publish on a topic that a route names, or let an application subscribe"
        yield warning(f"the stream {name}", wrong, right, "P2")


def _kept(topic: Topic, stream: Stream, age: float, stream_days: float) -> Finding:
    where = f"the stream {topic}"
    behind = sorted(g for g, reached in stream.reached_ms.items() if reached <= stream.first_ms)
    if behind:
        wrong = f"it grows: {', '.join(behind)} has not acknowledged anything for {age:.0f} days"
        right = "let it read, or remove it: XGROUP DESTROY"
        return warning(where, wrong, right, "bounds")
    wrong = f"it is not trimmed: its oldest entry is {age:.0f} days old, not {stream_days:g}"
    return warning(where, wrong, "let the notifier run, with this broker as its Redis", "bounds")
