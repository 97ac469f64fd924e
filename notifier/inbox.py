"""HOP 3's inbox: prints each notice and dead letter once, then keeps it.

It prints first, so a crash between the two prints a record twice, but never loses it.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import structlog
from dapr.ext.grpc import TopicEventResponse
from opentelemetry.trace import Span, SpanKind

from chassis.logs import about
from chassis.topic_server import RETRY, SUCCESS
from chassis.tracing import continuing, handling
from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.entry import read_entry
from contracts.events import EventDeadLettered
from contracts.limits import INLINE_BYTES, MAX_LETTER_BYTES
from contracts.reading import instance_named
from contracts.records import DeadLetter, Notice
from contracts.refusal import Refused
from contracts.topics import Topic
from notifier.lines import LineWriter
from notifier.metrics import Metrics
from notifier.records.reading import original_event, read_dead_letter, read_notice, record
from notifier.records.store import UNAVAILABLE, RecentRecords

_log = structlog.get_logger()


@dataclass(frozen=True)
class Delivery:
    """The content of a topic entry."""

    event: CloudEvent
    record: Notice | DeadLetter
    about: CloudEvent
    """The event that log lines name: for a dead letter, the event that could not be served."""
    instance_id: str | None


class Inbox:
    """Handles deliveries. A repeated delivery changes nothing that is shown."""

    def __init__(
        self,
        notices: RecentRecords[Notice],
        dead_letters: RecentRecords[DeadLetter],
        lines: LineWriter,
        metrics: Metrics,
    ) -> None:
        self._notices = notices
        self._dead_letters = dead_letters
        self._lines = lines
        self._metrics = metrics
        self._large = asyncio.Lock()

    async def on_completion(self, entry: bytes) -> TopicEventResponse:
        """Handle a raw entry with a `WorkflowCompleted`; any other entry becomes a dead letter."""
        return await self._take(Topic.COMPLETIONS, entry, _completion)

    async def on_dead_letter(self, entry: bytes) -> TopicEventResponse:
        """Handle a raw entry of the dead-letter topic, from Usher or forwarded by a sidecar."""
        return await self._take(Topic.DEAD_LETTERS, entry, _dead_letter)

    async def _take(
        self, topic: Topic, entry: bytes, read: Callable[[bytes], Delivery]
    ) -> TopicEventResponse:
        """Parse large entries one at a time: as objects they are many times as large."""
        if len(entry) <= INLINE_BYTES:
            return await self._settle(topic, read(entry))
        async with self._large:
            return await self._settle(topic, await asyncio.to_thread(read, entry))

    async def _settle(self, topic: Topic, delivery: Delivery) -> TopicEventResponse:
        seen = delivery.record
        with _processing(topic, delivery.event), about(delivery.about, delivery.instance_id):
            try:
                if isinstance(seen, Notice):
                    await self._notice(seen)
                else:
                    await self._letter(seen)
            except UNAVAILABLE as error:
                _log.warning("will be tried again", id=seen.id, error=str(error))
                return RETRY
        return SUCCESS

    async def _notice(self, notice: Notice) -> None:
        if await self._notices.find(notice.id):
            return
        self._lines.notice(notice)
        await self._notices.put(notice, notice.seen_at)
        self._metrics.notice(notice)

    async def _letter(self, letter: DeadLetter) -> None:
        repeated = False
        if earlier := await self._dead_letters.find(letter.id):
            repeated = letter.attempts <= earlier.attempts
            letter = letter.model_copy(
                update={
                    "first_seen": earlier.first_seen,
                    "last_seen": earlier.last_seen if repeated else letter.last_seen,
                    "attempts": max(earlier.attempts, letter.attempts),
                    "redriven_at": earlier.redriven_at if repeated else None,
                }
            )
        self._lines.dead_letter(letter)
        await self._dead_letters.put(letter, letter.last_seen)
        if not repeated:
            self._metrics.dead_letter(letter)


def _completion(entry: bytes) -> Delivery:
    event = read_entry(entry, MAX_LETTER_BYTES)
    try:
        notice = read_notice(event)
    except Refused as refused:
        letter = EventDeadLettered(
            reason=refused.reason,
            field=refused.field,
            message=refused.message,
            topic=Topic.COMPLETIONS,
            event=event.original(),
        )
        named = [event.source, event.id] if event.id else [event.source, event.body.hex()]
        return _dead_lettered(event, record(identity.event_id("no-notice", *named), letter))
    return Delivery(event, notice, event, notice.instance_id)


def _dead_letter(entry: bytes) -> Delivery:
    event = read_entry(entry, MAX_LETTER_BYTES)
    return _dead_lettered(event, read_dead_letter(entry, event))


def _dead_lettered(event: CloudEvent, letter: DeadLetter) -> Delivery:
    original = original_event(letter)
    return Delivery(event, letter, original, instance_named(original))


def _processing(topic: Topic, event: CloudEvent) -> AbstractContextManager[Span]:
    """Return a span in the trace of the event."""
    attributes = handling("process", topic, event)
    return continuing(event.attributes, f"process {topic}", SpanKind.CONSUMER, attributes)
