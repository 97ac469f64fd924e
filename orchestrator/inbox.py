"""HOP 2's way in: takes each delivery off a topic, serves it, and answers for it.

The answer is SUCCESS once the event has its final outcome, which may be a dead letter, and RETRY
when something we need is away. Nothing is ever dropped.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import structlog
from dapr.clients.exceptions import DaprInternalError
from dapr.ext.grpc import SubscriptionMessage, TopicEventResponse
from grpc import RpcError, StatusCode

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.decision import Control, Decider, Decision, Deliver, Duplicate, Start
from orchestrator.engine import Engine
from orchestrator.envelope import Cause
from orchestrator.outbox import Outbox

SUCCESS = TopicEventResponse("success")
RETRY = TopicEventResponse("retry")
AWAY = (RpcError, DaprInternalError, httpx.HTTPError, OSError)
"""What is raised when the sidecar, the engine or the broker does not answer."""

_log = structlog.get_logger()


class Inbox:
    """Serves deliveries, several at once, each in a thread of the topic server."""

    def __init__(self, decider: Decider, engine: Engine, outbox: Outbox) -> None:
        self._decider = decider
        self._engine = engine
        self._outbox = outbox
        self._held = 0
        self._closed = False
        self._change = threading.Condition()

    def on_request(self, message: SubscriptionMessage) -> TopicEventResponse:
        return self._settle(Topic.REQUESTS, CloudEvent.received(message))

    def on_event(self, message: SubscriptionMessage) -> TopicEventResponse:
        return self._settle(Topic.EVENTS, CloudEvent.received(message))

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
        try:
            yield open_
        finally:
            with self._change:
                self._held -= open_
                self._change.notify_all()

    def _settle(self, topic: Topic, event: CloudEvent) -> TopicEventResponse:
        log = _log.bind(topic=str(topic), event_id=event.id, event_source=event.source)
        with self._holding() as open_:
            if not open_:
                return RETRY
            try:
                self._serve(topic, event, log)
            except AWAY as error:
                log.warning("will be tried again", error=f"{type(error).__name__}: {error}")
                return RETRY
        return SUCCESS

    def _serve(self, topic: Topic, event: CloudEvent, log: structlog.stdlib.BoundLogger) -> None:
        try:
            decision = self._decider.decide(topic, event)
            disposition = self._carry_out(decision, event)
        except Refused as refused:
            self._put_aside(topic, event, refused, log)
        except AWAY as error:
            if not (isinstance(error, RpcError) and error.code() is StatusCode.INVALID_ARGUMENT):
                raise
            self._put_aside(topic, event, Refused(Reason.HANDLER_ERROR, str(error.details())), log)
        except Exception as error:
            log.exception("the handler failed")
            said = f"{type(error).__name__}: {error}"
            self._put_aside(topic, event, Refused(Reason.HANDLER_ERROR, said), log)
        else:
            log.info(disposition, instance_id=decision.instance_id)

    def _put_aside(
        self, topic: Topic, event: CloudEvent, why: Refused, log: structlog.stdlib.BoundLogger
    ) -> None:
        self._outbox.dead_letter(topic, event, why)
        log.warning("dead_lettered", reason=str(why.reason), field=why.field, message=why.message)

    def _carry_out(self, decision: Decision, event: CloudEvent) -> str:
        """Do what was decided and return the event's disposition."""
        match decision:
            case Start(instance_id, workflow, value):
                cause = Cause(event_id=event.id)
                started = self._engine.schedule(workflow, value, instance_id, cause)
                return "started" if started else "duplicate"
            case Duplicate():
                return "duplicate"
            case Deliver(instance_id, name, data):
                self._engine.raise_event(instance_id, name, data)
                return "delivered"
            case Control(instance_id, control, reason):
                self._control(instance_id, control, reason)
                return "controlled"

    def _control(self, instance_id: str, control: str, reason: str | None) -> None:
        match control:
            case "terminate":
                self._engine.terminate(instance_id, reason)
            case "suspend":
                self._engine.suspend(instance_id)
            case "resume":
                self._engine.resume(instance_id)
            case "purge":
                self._engine.purge(instance_id)
