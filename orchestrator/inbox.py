"""Receives the deliveries of HOP 2: serves each, and acknowledges it or asks for it again.

The answer is SUCCESS once the ledger has the event's outcome, which may be a dead letter, and
RETRY where the sidecar, the engine or the broker is away. No event is ever dropped.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import structlog
from dapr.ext.grpc import TopicEventResponse
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from chassis.logs import about
from chassis.topic_server import RETRY, SUCCESS
from chassis.tracing import continuing, handling
from contracts.cloudevent import CloudEvent
from contracts.entry import read_entry
from contracts.large_bodies import LargeBodies
from contracts.reading import instance_named
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.engine.instance_call import AWAY, is_of_the_call
from orchestrator.intake.dead_letters import handler_error
from orchestrator.intake.dispatcher import Dispatcher
from orchestrator.ledger.records import Disposition
from orchestrator.ledger.store import Busy
from orchestrator.metrics import Metrics

UNSERVED = (Disposition.DUPLICATE, Disposition.PARKED)
"""Dispositions that did no work in this delivery."""

_log = structlog.get_logger()


class Inbox:
    """Handles deliveries, several at once, each as the raw entry of the broker."""

    def __init__(self, dispatcher: Dispatcher, metrics: Metrics) -> None:
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._large_bodies = LargeBodies()
        self._held = 0
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def on_request(self, entry: bytes) -> TopicEventResponse:
        return await self._settle(Topic.REQUESTS, entry)

    async def on_event(self, entry: bytes) -> TopicEventResponse:
        return await self._settle(Topic.EVENTS, entry)

    async def close(self, seconds: float) -> bool:
        """Take no more, and wait up to `seconds` for those in hand; False where some remain."""
        self._closed = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)
        return self._idle.is_set()

    @contextmanager
    def _holding(self) -> Iterator[bool]:
        open_ = not self._closed
        self._hold(open_)
        try:
            yield open_
        finally:
            self._hold(-open_)

    def _hold(self, more: int) -> None:
        self._held += more
        self._metrics.in_flight.set(self._held)
        (self._idle.clear if self._held else self._idle.set)()

    async def _settle(self, topic: Topic, entry: bytes) -> TopicEventResponse:
        with self._holding() as open_:
            if not open_:
                return RETRY
            event, instance_id = await self._large_bodies.read(entry, partial(_read, entry))
            attributes = handling("process", topic, event)
            process = continuing(
                event.attributes, f"process {topic}", SpanKind.CONSUMER, attributes
            )
            log = _log.bind(topic=str(topic))
            with process as span, about(event, instance_id):
                try:
                    await self._serve(topic, event, log)
                except (*AWAY, Busy) as error:
                    said = f"{type(error).__name__}: {error}"
                    span.set_status(trace.StatusCode.ERROR, said)
                    log.warning("will be tried again", error=said)
                    return RETRY
        return SUCCESS

    async def _serve(self, topic: Topic, event: CloudEvent, log: Any) -> None:
        try:
            disposition, instance_id = await self._dispatcher.serve(topic, event)
        except Refused as refused:
            await self._put_aside(topic, event, refused, log)
        except (*AWAY, Busy) as error:
            if not is_of_the_call(error):
                raise
            await self._put_aside(topic, event, handler_error(error), log)
        except Exception as error:
            log.exception("the handler failed")
            await self._put_aside(topic, event, handler_error(error), log)
        else:
            self._metrics.dispositions.labels(topic, disposition).inc()
            if disposition not in UNSERVED:
                self._metrics.served(topic, event.attributes.get("time"))
            told = {"usher.disposition": str(disposition), "usher.instance_id": instance_id or ""}
            trace.get_current_span().set_attributes(told)
            log.info(str(disposition))

    async def _put_aside(self, topic: Topic, event: CloudEvent, why: Refused, log: Any) -> None:
        disposition = await self._dispatcher.put_aside(topic, event, why)
        self._metrics.dispositions.labels(topic, disposition).inc()
        self._metrics.dead_letters.labels(topic, why.reason).inc()
        told = {"usher.disposition": str(disposition), "usher.reason": str(why.reason)}
        trace.get_current_span().set_attributes(told)
        log.warning(str(disposition), reason=str(why.reason), field=why.field, message=why.message)


def _read(entry: bytes) -> tuple[CloudEvent, str | None]:
    event = read_entry(entry)
    return event, instance_named(event)
