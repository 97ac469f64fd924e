"""HOP 2's only way out: publishes completions and dead letters through the sidecar."""

import asyncio

from dapr.aio.clients import DaprClient
from grpc import RpcError, StatusCode

from contracts import identity
from contracts.brokers import is_too_large
from contracts.cloudevent import CONTENT_TYPE, CloudEvent
from contracts.events import (
    COMPLETED_TYPE,
    DEAD_LETTERED_TYPE,
    EventDeadLettered,
    Reason,
    WorkflowCompleted,
)
from contracts.letters import letter_id, reused_id
from contracts.limits import INLINE_BYTES, MAX_KEPT_BYTES
from contracts.refusal import Refused
from contracts.routes import depth
from contracts.topics import PUBSUB, Topic
from orchestrator.engine.envelope import Cause

SOURCE = "/usher/orchestrator"


class Outbox:
    """Publishes CloudEvents whose ids come out the same for the same news."""

    def __init__(self, client: DaprClient) -> None:
        self._client = client

    async def completed(self, notice: WorkflowCompleted, cause: Cause) -> None:
        """Announce that a run ended, and what started it."""
        run = cause.key or notice.started_at.isoformat()
        event = CloudEvent(
            id=identity.notice_id(notice.instance_id, run),
            source=SOURCE,
            type=COMPLETED_TYPE,
            body=notice.model_dump_json().encode(),
            attributes={
                "subject": notice.instance_id,
                "time": notice.finished_at.isoformat(),
                **({"causationid": cause.event_id} if cause.event_id else {}),
                **({depth.EXTENSION: cause.depth} if cause.depth else {}),
            },
        )
        await self._publish(Topic.COMPLETIONS, event)

    async def dead_letter(
        self,
        topic: str,
        event: CloudEvent,
        refusal: Refused,
        attempts: int,
        route: str | None = None,
    ) -> None:
        """Put `event` aside, for the `attempts`th time, with the reason why.

        Where the sidecar or the broker does not take a letter of that size, the letter has the
        first bytes of the event's data: the event is put aside whatever its size.
        """

        def letter(whole: int) -> CloudEvent:
            return _letter(topic, event, refusal, attempts, route, whole)

        large = len(event.body) > INLINE_BYTES
        made = await asyncio.to_thread(letter, MAX_KEPT_BYTES) if large else letter(MAX_KEPT_BYTES)
        try:
            await self._publish(Topic.DEAD_LETTERS, made)
        except RpcError as error:
            details = str(getattr(error, "details", lambda: None)())
            by_sidecar = getattr(error, "code", lambda: None)() is StatusCode.RESOURCE_EXHAUSTED
            if not (large and (by_sidecar or is_too_large(details))):
                raise
            await self._publish(Topic.DEAD_LETTERS, letter(INLINE_BYTES))

    async def _publish(self, topic: str, event: CloudEvent) -> None:
        await self._client.publish_event(
            PUBSUB, topic, event.to_json(), data_content_type=CONTENT_TYPE
        )


def _letter(
    topic: str, event: CloudEvent, refusal: Refused, attempts: int, route: str | None, whole: int
) -> CloudEvent:
    """Return a dead letter as it is published; see `contracts.cloudevent.kept` for `whole`."""
    letter = EventDeadLettered(
        reason=refusal.reason,
        field=refusal.field,
        message=refusal.message,
        topic=topic,
        **({"route": route} if route else {}),
        attempts=attempts,
        event=event.original(whole),
    )
    reused = refusal.reason is Reason.IDENTITY_REUSED
    return CloudEvent(
        id=(reused_id if reused else letter_id)(topic, event, route),
        source=SOURCE,
        type=DEAD_LETTERED_TYPE,
        body=letter.model_dump_json(exclude_unset=True).encode(),
        attributes={"causationid": event.id} if event.id else {},
    )
