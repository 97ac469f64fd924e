"""HOP 1's outbox: publishes commands through the sidecar."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from string import punctuation
from urllib.parse import quote

import httpx
import structlog
from opentelemetry.trace import SpanKind

from chassis.logs import about
from chassis.sidecar import no_answer
from chassis.tracing import continuing, handling
from contracts import identity
from contracts.brokers import is_too_large
from contracts.cloudevent import CONTENT_TYPE, CloudEvent
from contracts.events import Reason
from contracts.expiry import deadline
from contracts.reading import read_command, topic_of
from contracts.refusal import Refused
from contracts.topics import PUBSUB, Topic
from starter.metrics import Metrics

REFUSED_SECONDS = 15
"""How long the starter is not ready after the broker refused an event and accepted none since."""

_NO_SUCH_TOPIC = (400, 403, 404)
"""How a sidecar answers for a component that it lacks, or a topic outside the app's scopes."""

_log = structlog.get_logger()


class NotPublished(Exception):
    """The broker did not accept the event."""


@dataclass(frozen=True)
class Outgoing:
    """An event to publish, with its topic and the instance that it is for."""

    event: CloudEvent
    topic: str
    """The topic, or component/topic."""
    instance_id: str | None
    """None where routes find the instance."""

    @property
    def partition_key(self) -> str:
        """What events must have in common that Kafka keeps in order: the instance, else the
        attribute `partitionkey`, else the subject. Redis has no partitions, and ignores it.

        What is no ASCII is escaped: a subscriber's sidecar would hand such an event over for ever.
        """
        said = self.event.attributes
        key = self.instance_id or str(said.get("partitionkey") or said.get("subject") or "")
        return quote(key, safe=punctuation.replace("%", ""))


def routed(event: CloudEvent, topic: str) -> Outgoing:
    """Return an event for a topic that routes name. Raises `Refused`."""
    if topic in (Topic.COMPLETIONS, Topic.DEAD_LETTERS):
        raise Refused(Reason.INVALID_REQUEST, f"only Usher publishes on {topic}", "topic")
    if topic in [*Topic]:
        outgoing = addressed(event)
        if outgoing.topic != topic:
            message = f"this belongs on the topic {outgoing.topic}"
            raise Refused(Reason.INVALID_REQUEST, message, "topic")
        return outgoing
    _refuse_late(event.identified())
    return Outgoing(event, topic, None)


def _refuse_late(event: CloudEvent) -> None:
    now = datetime.now(UTC)
    due = deadline(event, now)
    if late := due.passed(now) if due else None:
        raise late


def addressed(event: CloudEvent) -> Outgoing:
    """Return an event with its topic and instance; raise `Refused` if it can never be served."""
    try:
        command = read_command(event)
        instance_id = identity.instance_of(command, event.source, event.id)
        _refuse_late(event)
    except Refused as refused:
        with about(event, None):
            why = {"reason": str(refused.reason), "field": refused.field}
            _log.warning("refused", **why, message=refused.message)
        raise
    # A copy without the parsed command: as objects, a large body is many times as large.
    return Outgoing(replace(event), topic_of(command), instance_id)


class Outbox:
    """Publishes to the sidecar over HTTP, as `dapr publish` does."""

    def __init__(
        self,
        sidecar: httpx.AsyncClient,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sidecar = sidecar
        self.metrics = metrics
        self._clock = clock
        self._refused: tuple[float, str] | None = None
        """When and why the broker last refused an event; None after it accepted one."""

    async def publish(self, outgoing: Outgoing) -> None:
        """Publish an event. It is accepted when this returns. Raises `NotPublished`."""
        event, topic = outgoing.event, outgoing.topic
        attributes = handling("send", topic, event)
        sending = continuing(event.attributes, f"send {topic}", SpanKind.PRODUCER, attributes)
        with sending, about(event, outgoing.instance_id):
            try:
                component, _, name = topic.rpartition("/")
                path = f"/v1.0/publish/{component or PUBSUB}/{name}"
                await self._post(path, outgoing, event.to_json())
            except NotPublished as error:
                _log.warning("not published", topic=str(topic), error=str(error))
                raise
            _log.info("published", topic=str(topic))
        self.metrics.published.labels(topic).inc()

    async def _post(self, path: str, outgoing: Outgoing, content: bytes) -> None:
        headers, topic = {"content-type": CONTENT_TYPE}, outgoing.topic
        key = outgoing.partition_key
        params = {"metadata.partitionKey": key} if key else None
        try:
            answer = await self._sidecar.post(path, content=content, headers=headers, params=params)
        except httpx.HTTPError as error:
            raise NotPublished(f"the sidecar does not answer: {error}") from error
        if answer.is_error:
            why = f"the sidecar answered {answer.status_code}: {answer.text}"
            if is_too_large(answer.text):
                message = f"the broker does not take the event, which has {len(content):,} bytes"
                raise Refused(Reason.OVERSIZE, message, "data")
            if answer.status_code in _NO_SUCH_TOPIC and topic not in [*Topic]:
                message = f"the scopes of its component keep the starter from {topic!r}: {why}"
                raise Refused(Reason.INVALID_REQUEST, message, "topic")
            if answer.is_server_error:
                self._refused = self._clock(), why
            raise NotPublished(why)
        self._refused = None

    async def not_ready(self) -> str | None:
        """Return why events are not accepted; None if they are.

        The sidecar does not report whether the broker accepts writes. The result of the last event
        does, for `REFUSED_SECONDS`.
        """
        try:
            (await self._sidecar.get("/v1.0/healthz")).raise_for_status()
        except httpx.HTTPError as error:
            return no_answer(self._sidecar, error)
        if self._refused and self._clock() - self._refused[0] < REFUSED_SECONDS:
            return f"the broker accepts no events: {self._refused[1]}"
        return None
