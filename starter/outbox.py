"""HOP 1's only way out: publishes commands through the sidecar."""

from dataclasses import dataclass

import httpx

from contracts import identity
from contracts.cloudevent import CONTENT_TYPE, CloudEvent
from contracts.commands import StartWorkflow
from contracts.reading import read_command, topic_of
from contracts.topics import PUBSUB, Topic

SOURCE = "/usher/starter"


class NotPublished(Exception):
    """The broker did not take the event; nothing was accepted."""


@dataclass(frozen=True)
class Outgoing:
    """An event whose command has been read: where it goes, and which instance it is for."""

    event: CloudEvent
    topic: Topic
    instance_id: str


def addressed(event: CloudEvent) -> Outgoing:
    """Read the command of an event; raise `Refused` where it could never be served."""
    command = read_command(event)
    if isinstance(command, StartWorkflow):
        instance_id = identity.instance_to_start(command, event.source, event.id)
    else:
        instance_id = identity.instance_addressed(command)
    return Outgoing(event, topic_of(command), instance_id)


class Outbox:
    """Publishes to the sidecar over HTTP, as `dapr publish` does."""

    def __init__(self, sidecar: httpx.AsyncClient) -> None:
        self._sidecar = sidecar

    async def publish(self, outgoing: Outgoing) -> None:
        """Publish one event; it is accepted once this returns. Raises `NotPublished`."""
        try:
            answer = await self._sidecar.post(
                f"/v1.0/publish/{PUBSUB}/{outgoing.topic}",
                content=outgoing.event.to_json(),
                headers={"content-type": CONTENT_TYPE},
            )
        except httpx.HTTPError as error:
            raise NotPublished(f"the sidecar does not answer: {error}") from error
        if answer.is_error:
            raise NotPublished(f"the sidecar answered {answer.status_code}: {answer.text}")

    async def sidecar_ready(self) -> bool:
        """Tell whether the sidecar is up with its components."""
        try:
            return (await self._sidecar.get("/v1.0/healthz")).is_success
        except httpx.HTTPError:
            return False
