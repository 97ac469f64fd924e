"""The gRPC server that the sidecar calls: what it subscribes to, takes, and says of its health."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import pytest
from dapr.proto import appcallback_service_v1, appcallback_v1
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]

from chassis.guard import HEADER, guards
from contracts.topics import PUBSUB, PUBSUB_ORDERED, Topic
from orchestrator.inbox import RETRY, SUCCESS, Inbox
from orchestrator.topic_server import TopicServer


class Taking:
    """An inbox that keeps what it is given; held up, it waits."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.begun, self.go_on, self.done = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.go_on.set()

    async def on_request(self, entry: bytes) -> Any:
        self.begun.set()
        await self.go_on.wait()
        self.taken.append(("request", entry))
        self.done.set()
        return SUCCESS

    async def on_event(self, entry: bytes) -> Any:
        self.taken.append(("event", entry))
        return RETRY


class Sidecar:
    """Calls the app as daprd does."""

    def __init__(self, channel: grpc.aio.Channel, taking: Taking) -> None:
        self.app = appcallback_service_v1.AppCallbackStub(channel)
        self.health = appcallback_service_v1.AppCallbackHealthCheckStub(channel)
        self.taking = taking
        self.is_well = True

    def deliver(self, broker: str, topic: str, **options: Any) -> Any:
        request = appcallback_v1.TopicEventRequest(pubsub_name=broker, topic=topic, data=b"entry")
        return self.app.OnTopicEvent(request, timeout=10, **options)


@asynccontextmanager
async def serving(token: str = "") -> AsyncIterator[Sidecar]:
    async def healthy() -> bool:
        return sidecar.is_well

    taking = Taking()
    server = TopicServer(cast(Inbox, taking), healthy, guards(token))
    port = await server.start("127.0.0.1", 0)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        sidecar = Sidecar(channel, taking)
        yield sidecar
    await server.stop()


async def test_it_subscribes_to_entries_as_they_are() -> None:
    async with serving() as sidecar:
        answer = await sidecar.app.ListTopicSubscriptions(Empty(), timeout=10)
    heard = {(one.pubsub_name, one.topic): one for one in answer.subscriptions}
    assert set(heard) == {(PUBSUB, Topic.REQUESTS), (PUBSUB_ORDERED, Topic.EVENTS)}
    for one in heard.values():
        assert dict(one.metadata) == {"rawPayload": "true"}
        assert one.dead_letter_topic == Topic.DEAD_LETTERS


async def test_what_is_delivered_is_taken_and_answered_for() -> None:
    statuses = appcallback_v1.TopicEventResponse
    async with serving() as sidecar:
        assert (await sidecar.deliver(PUBSUB, Topic.REQUESTS)).status == statuses.SUCCESS
        assert (await sidecar.deliver(PUBSUB_ORDERED, Topic.EVENTS)).status == statuses.RETRY
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await sidecar.deliver(PUBSUB, "another")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert sidecar.taking.taken == [("request", b"entry"), ("event", b"entry")]


async def test_a_delivery_that_the_sidecar_gives_up_on_is_done_all_the_same() -> None:
    """Cut off in the middle, its claim would hold up whoever comes next until its lease is over."""
    async with serving() as sidecar, asyncio.timeout(10):
        taking = sidecar.taking
        taking.go_on.clear()
        delivery = sidecar.deliver(PUBSUB, Topic.REQUESTS)
        await taking.begun.wait()
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        await sidecar.health.HealthCheck(Empty())  # by now the server knows
        taking.go_on.set()
        await taking.done.wait()


async def test_the_probe_is_answered_while_deliveries_are_held() -> None:
    async with serving() as sidecar, asyncio.timeout(10):
        sidecar.taking.go_on.clear()
        held = [sidecar.deliver(PUBSUB, Topic.REQUESTS) for _ in range(200)]
        await sidecar.taking.begun.wait()
        await sidecar.health.HealthCheck(Empty())
        sidecar.is_well = False
        with pytest.raises(grpc.aio.AioRpcError):
            await sidecar.health.HealthCheck(Empty())
        sidecar.taking.go_on.set()
        await asyncio.gather(*held)


async def test_only_who_shows_the_token_delivers() -> None:
    async with serving("secret") as sidecar:
        await sidecar.health.HealthCheck(Empty(), timeout=10)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await sidecar.deliver(PUBSUB, Topic.REQUESTS)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert await sidecar.deliver(PUBSUB, Topic.REQUESTS, metadata=((HEADER, "secret"),))
