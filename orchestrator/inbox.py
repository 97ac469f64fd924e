"""Receives the deliveries of HOP 2: serves each, and acknowledges it or asks for it again.

The answer is SUCCESS once the ledger has the event's outcome, which may be a dead letter, and
RETRY where the sidecar, the engine or the broker is away. No event is ever dropped.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from dapr.ext.grpc import TopicEventResponse
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from chassis.logs import about
from chassis.topic_server import RETRY, SUCCESS
from chassis.tracing import continuing, handling
from contracts.entry import read_entry
from contracts.large_bodies import LargeBodies
from contracts.topics import Topic
from orchestrator.engine.instance_call import AWAY
from orchestrator.intake.actions import Outcome
from orchestrator.intake.arrival import Arrival, arrive
from orchestrator.intake.dispatcher import Dispatcher
from orchestrator.intake.routed_arrivals import Router
from orchestrator.ledger.records import Disposition
from orchestrator.ledger.store import Busy
from orchestrator.metrics import Metrics

UNSERVED = (Disposition.DUPLICATE, Disposition.PARKED)
"""Dispositions that did no work in this delivery."""

_log = structlog.get_logger()


class Inbox:
    """Handles deliveries, several at once, each as the raw entry of the broker."""

    def __init__(self, dispatcher: Dispatcher, metrics: Metrics, router: Router) -> None:
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._router = router
        self._large_bodies = LargeBodies()

    async def on_request(self, entry: bytes) -> TopicEventResponse:
        return await self._take(entry, partial(_read, Topic.REQUESTS, entry))

    async def on_event(self, entry: bytes) -> TopicEventResponse:
        return await self._take(entry, partial(_read, Topic.EVENTS, entry))

    async def on_route(self, component: str, topic: str, entry: bytes) -> TopicEventResponse:
        """Handle an entry of a topic that routes name: an arrival for each route it matches."""
        return await self._take(entry, partial(self._router.arrivals, component, topic, entry))

    async def _take(self, entry: bytes, read: Callable[[], list[Arrival]]) -> TopicEventResponse:
        with self._metrics.in_flight.track_inprogress():
            # Each is served, whatever becomes of the others. Those that have an outcome are
            # duplicates when the entry comes again.
            served = [
                await self.serve(arrival) for arrival in await self._large_bodies.read(entry, read)
            ]
        return SUCCESS if all(served) else RETRY

    async def serve(self, arrival: Arrival) -> bool:
        """Serve an event; False where it must come again."""
        event, topic = arrival.event, arrival.topic
        attributes = handling("process", topic, event)
        process = continuing(event.attributes, f"process {topic}", SpanKind.CONSUMER, attributes)
        log = _log.bind(topic=str(topic), **({"route": arrival.route} if arrival.route else {}))
        with process as span, about(event, arrival.instance_id):
            try:
                self._report(arrival, await self._dispatcher.serve(arrival), log)
            except (*AWAY, Busy) as error:
                said = f"{type(error).__name__}: {error}"
                span.set_status(trace.StatusCode.ERROR, said)
                log.warning("will be tried again", error=said)
                return False
        return True

    def _report(self, arrival: Arrival, outcome: Outcome, log: Any) -> None:
        """Tell metrics, trace and log what became of an event."""
        topic, disposition, why = arrival.topic, outcome.disposition, outcome.refusal
        self._metrics.dispositions.labels(topic, disposition).inc()
        told = {"usher.disposition": str(disposition)}
        if why:
            self._metrics.dead_letters.labels(topic, why.reason).inc()
            told["usher.reason"] = str(why.reason)
            what = {"reason": str(why.reason), "field": why.field, "message": why.message}
            log.warning(str(disposition), **what)
        else:
            if disposition not in UNSERVED:
                self._metrics.served(topic, arrival.event.attributes.get("time"))
            told["usher.instance_id"] = arrival.instance_id or ""
            log.info(str(disposition))
        trace.get_current_span().set_attributes(told)


def _read(topic: str, entry: bytes) -> list[Arrival]:
    return [arrive(topic, read_entry(entry))]
