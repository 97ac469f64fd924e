"""HOP 3's way in: each notice and dead letter is printed, then kept; once kept, never again.

Printed before it is kept: a crash between the two prints it twice, and loses it never.
"""

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import structlog
from dapr.ext.grpc import SubscriptionMessage, TopicEventResponse
from opentelemetry.trace import Span, SpanKind
from redis import RedisError

from chassis.logs import about
from chassis.tracing import continuing, handling
from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.entry import read_entry
from contracts.events import EventDeadLettered
from contracts.limits import INLINE_BYTES, MAX_LETTER_BYTES
from contracts.reading import instance_named
from contracts.refusal import Refused
from contracts.topics import Topic
from notifier.lines import Lines
from notifier.metrics import Metrics
from notifier.reading import original_event, read_dead_letter, read_notice, record
from notifier.records import DeadLetter, Notice
from notifier.store import Shelf

SUCCESS = TopicEventResponse("success")
RETRY = TopicEventResponse("retry")

_log = structlog.get_logger()


class Inbox:
    """Serves deliveries; the same one again changes nothing that is shown."""

    def __init__(self, notices: Shelf, dead_letters: Shelf, lines: Lines, metrics: Metrics) -> None:
        self._notices = notices
        self._dead_letters = dead_letters
        self._lines = lines
        self._metrics = metrics
        self._large = threading.Lock()

    def on_completion(self, message: SubscriptionMessage) -> TopicEventResponse:
        """Take a raw entry, a `WorkflowCompleted`; what is none is shown among the dead letters."""
        entry = message.raw_data()
        with self._reading(entry):
            event = read_entry(entry, MAX_LETTER_BYTES)
            with _processing(Topic.COMPLETIONS, event):
                return self._complete(event)

    def _complete(self, event: CloudEvent) -> TopicEventResponse:
        try:
            notice = read_notice(event)
            with about(event, notice.instance_id):
                return self._settle(notice)
        except Refused as refused:
            letter = EventDeadLettered(
                reason=refused.reason,
                field=refused.field,
                message=refused.message,
                topic=Topic.COMPLETIONS,
                event=event.original(),
            )
            named = [event.source, event.id] if event.id else [event.source, event.body.hex()]
            return self._put_aside(record(identity.event_id("no-notice", *named), letter))

    def on_dead_letter(self, message: SubscriptionMessage) -> TopicEventResponse:
        """Take a raw entry of the dead-letter topic: ours, or one a sidecar put there itself."""
        entry = message.raw_data()
        with self._reading(entry):
            event = read_entry(entry, MAX_LETTER_BYTES)
            with _processing(Topic.DEAD_LETTERS, event):
                return self._put_aside(read_dead_letter(entry, event))

    def _reading(self, entry: bytes) -> AbstractContextManager[Any]:
        """Handle large entries one at a time: as objects they are many times as large."""
        return self._large if len(entry) > INLINE_BYTES else nullcontext()

    def _put_aside(self, letter: DeadLetter) -> TopicEventResponse:
        original = original_event(letter)
        with about(original, instance_named(original)):
            return self._settle(letter)

    def _settle(self, seen: Notice | DeadLetter) -> TopicEventResponse:
        try:
            if isinstance(seen, Notice):
                self._notice(seen)
            else:
                self._dead_letter(seen)
        except RedisError as error:
            _log.warning("will be tried again", id=seen.id, error=str(error))
            return RETRY
        return SUCCESS

    def _notice(self, notice: Notice) -> None:
        if self._notices.get(notice.id):
            return
        self._lines.notice(notice)
        self._notices.put(notice.id, notice.model_dump_json(), notice.seen_at)
        self._metrics.notice(notice)

    def _dead_letter(self, letter: DeadLetter) -> None:
        repeated = False
        if known := self._dead_letters.get(letter.id):
            earlier = DeadLetter.model_validate(known)
            repeated = letter.attempts <= earlier.attempts  # the same news once more
            letter = letter.model_copy(
                update={
                    "first_seen": earlier.first_seen,
                    "last_seen": earlier.last_seen if repeated else letter.last_seen,
                    "attempts": max(earlier.attempts, letter.attempts),
                    "redriven_at": earlier.redriven_at if repeated else None,
                }
            )
        self._lines.dead_letter(letter)
        text = letter.model_dump_json(exclude_unset=True)
        self._dead_letters.put(letter.id, text, letter.last_seen)
        if not repeated:
            self._metrics.dead_letter(letter)


def _processing(topic: Topic, event: CloudEvent) -> AbstractContextManager[Span]:
    """Return a span in the trace that the event says it belongs to."""
    attributes = handling("process", topic, event)
    return continuing(event.attributes, f"process {topic}", SpanKind.CONSUMER, attributes)
