"""HOP 2's way in: takes each delivery off a topic, serves it, and answers for it.

The answer is SUCCESS once the ledger has the event's outcome, which may be a dead letter, and
RETRY when something we need is away. Nothing is ever dropped.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import structlog
from dapr.clients.exceptions import DaprInternalError
from dapr.ext.grpc import SubscriptionMessage, TopicEventResponse
from grpc import RpcError, StatusCode
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from contracts.cloudevent import CloudEvent
from contracts.entry import read_entry
from contracts.events import Reason
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.ledger import Busy, Disposition
from orchestrator.metrics import Metrics
from orchestrator.serving import Server
from orchestrator.tracing import continuing, handling

SUCCESS = TopicEventResponse("success")
RETRY = TopicEventResponse("retry")
AWAY = (RpcError, DaprInternalError, httpx.HTTPError, OSError)
"""What is raised when the sidecar, the engine or the broker does not answer."""
UNSERVED = (Disposition.DUPLICATE, Disposition.PARKED)
"""What says that an event was not served now."""

_log = structlog.get_logger()


class Inbox:
    """Takes deliveries, several at once, each in a thread of the topic server."""

    def __init__(self, server: Server, metrics: Metrics) -> None:
        self._server = server
        self._metrics = metrics
        self._held = 0
        self._closed = False
        self._change = threading.Condition()

    def on_request(self, message: SubscriptionMessage) -> TopicEventResponse:
        return self._settle(Topic.REQUESTS, read_entry(message.raw_data()))

    def on_event(self, message: SubscriptionMessage) -> TopicEventResponse:
        return self._settle(Topic.EVENTS, read_entry(message.raw_data()))

    def close(self, timeout: float) -> bool:
        """Take no more, and wait until nothing is held; False where `timeout` seconds passed."""
        with self._change:
            self._closed = True
            return self._change.wait_for(lambda: self._held == 0, timeout)

    @contextmanager
    def _holding(self) -> Iterator[bool]:
        with self._change:
            open_ = not self._closed
            self._held += open_
            self._metrics.in_flight.set(self._held)
        try:
            yield open_
        finally:
            with self._change:
                self._held -= open_
                self._metrics.in_flight.set(self._held)
                self._change.notify_all()

    def _settle(self, topic: Topic, event: CloudEvent) -> TopicEventResponse:
        log = _log.bind(topic=str(topic), event_id=event.id, event_source=event.source)
        attributes = handling("process", topic, event)
        process = continuing(event.attributes, f"process {topic}", SpanKind.CONSUMER, attributes)
        with self._holding() as open_, process as span:
            if not open_:
                return RETRY
            try:
                self._serve(topic, event, log)
            except (*AWAY, Busy) as error:
                said = f"{type(error).__name__}: {error}"
                span.set_status(trace.StatusCode.ERROR, said)
                log.warning("will be tried again", error=said)
                return RETRY
        return SUCCESS

    def _serve(self, topic: Topic, event: CloudEvent, log: Any) -> None:
        try:
            disposition, instance_id = self._server.serve(topic, event)
        except Refused as refused:
            self._put_aside(topic, event, refused, log)
        except (*AWAY, Busy) as error:
            if not (isinstance(error, RpcError) and error.code() is StatusCode.INVALID_ARGUMENT):
                raise
            why = Refused(Reason.HANDLER_ERROR, str(error.details()))
            self._put_aside(topic, event, why, log)
        except Exception as error:
            log.exception("the handler failed")
            said = f"{type(error).__name__}: {error}"
            self._put_aside(topic, event, Refused(Reason.HANDLER_ERROR, said), log)
        else:
            self._metrics.dispositions.labels(topic, disposition).inc()
            if disposition not in UNSERVED:
                self._metrics.served(topic, event.attributes.get("time"))
            told = {"usher.disposition": str(disposition), "usher.instance_id": instance_id or ""}
            trace.get_current_span().set_attributes(told)
            log.info(str(disposition), instance_id=instance_id)

    def _put_aside(self, topic: Topic, event: CloudEvent, why: Refused, log: Any) -> None:
        disposition = self._server.put_aside(topic, event, why)
        self._metrics.dispositions.labels(topic, disposition).inc()
        self._metrics.dead_letters.labels(topic, why.reason).inc()
        told = {"usher.disposition": str(disposition), "usher.reason": str(why.reason)}
        trace.get_current_span().set_attributes(told)
        log.warning(str(disposition), reason=str(why.reason), field=why.field, message=why.message)
