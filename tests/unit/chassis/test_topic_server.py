"""The gRPC server that the sidecar calls: what it subscribes to, takes, and says of its health."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from dapr.proto import appcallback_service_v1, appcallback_v1
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]

from chassis.sidecar import TOKEN_HEADER
from chassis.topic_server import RETRY, SUCCESS, Handler, TopicServer
from contracts.topics import PUBSUB, PUBSUB_ORDERED, Topic


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

    server: TopicServer

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
    handlers: dict[tuple[str, str], Handler] = {
        (PUBSUB, Topic.REQUESTS): taking.on_request,
        (PUBSUB_ORDERED, Topic.EVENTS): taking.on_event,
        (PUBSUB, Topic.DEAD_LETTERS): taking.on_event,
    }
    server = TopicServer(handlers, healthy, token)
    port = await server.start("127.0.0.1", 0)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        sidecar = Sidecar(channel, taking)
        sidecar.server = server
        yield sidecar
    await server.stop()


async def test_it_subscribes_to_entries_as_they_are() -> None:
    async with serving() as sidecar:
        answer = await sidecar.app.ListTopicSubscriptions(Empty(), timeout=10)
    heard = {(one.pubsub_name, one.topic): one for one in answer.subscriptions}
    assert {topic: one.dead_letter_topic for topic, one in heard.items()} == {
        (PUBSUB, Topic.REQUESTS): Topic.DEAD_LETTERS,
        (PUBSUB_ORDERED, Topic.EVENTS): Topic.DEAD_LETTERS,
        (PUBSUB, Topic.DEAD_LETTERS): "",
    }
    for one in heard.values():
        assert dict(one.metadata) == {"rawPayload": "true"}


async def test_what_is_delivered_is_taken_and_answered_for() -> None:
    statuses = appcallback_v1.TopicEventResponse
    async with serving() as sidecar:
        assert (await sidecar.deliver(PUBSUB, Topic.REQUESTS)).status == statuses.SUCCESS
        assert (await sidecar.deliver(PUBSUB_ORDERED, Topic.EVENTS)).status == statuses.RETRY
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await sidecar.deliver(PUBSUB, "another")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert sidecar.taking.taken == [("request", b"entry"), ("event", b"entry")]


async def test_a_native_record_is_taken_as_the_event_of_its_headers() -> None:
    headers = [("__offset", "7"), ("__topic", "workflow-requests"), ("ce_specversion", "1.0")]
    headers += [("ce_id", "e-1"), ("ce_source", "%2Fshop"), ("ce_type", "order")]
    async with serving() as sidecar:
        await sidecar.deliver(PUBSUB, Topic.REQUESTS, metadata=headers)
    ((_, entry),) = sidecar.taking.taken
    assert b'"source": "/shop"' in entry


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
        assert await sidecar.deliver(PUBSUB, Topic.REQUESTS, metadata=((TOKEN_HEADER, "secret"),))


async def test_a_stop_lets_a_delivery_end_that_is_held() -> None:
    taking = Taking()
    taking.go_on.clear()

    async def healthy() -> bool:
        return True

    server = TopicServer({(PUBSUB, Topic.REQUESTS): taking.on_request}, healthy)
    port = await server.start("127.0.0.1", 0)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel, asyncio.timeout(20):
        held = asyncio.ensure_future(Sidecar(channel, taking).deliver(PUBSUB, Topic.REQUESTS))
        await taking.begun.wait()
        stopping = asyncio.create_task(server.stop(15))
        taking.go_on.set()
        assert (await held).status == appcallback_v1.TopicEventResponse.SUCCESS
        await stopping


async def test_a_stop_waits_for_a_handler_whose_sidecar_is_gone_and_takes_no_more() -> None:
    async with serving() as sidecar, asyncio.timeout(20):
        taking = sidecar.taking
        taking.go_on.clear()
        delivery = sidecar.deliver(PUBSUB, Topic.REQUESTS)
        await taking.begun.wait()
        delivery.cancel()
        stopping = asyncio.create_task(sidecar.server.stop(15))
        await sidecar.health.HealthCheck(Empty())  # by now the stop has begun
        answer = await sidecar.deliver(PUBSUB_ORDERED, Topic.EVENTS)
        assert answer.status == appcallback_v1.TopicEventResponse.RETRY
        assert not stopping.done()
        taking.go_on.set()
        await stopping
    assert taking.taken == [("request", b"entry")]


async def test_a_stop_does_not_wait_longer_than_it_may() -> None:
    async with serving() as sidecar, asyncio.timeout(20):
        sidecar.taking.go_on.clear()
        held = sidecar.deliver(PUBSUB, Topic.REQUESTS)
        await sidecar.taking.begun.wait()
        await sidecar.server.stop(0.01)
        with pytest.raises(grpc.aio.AioRpcError):
            await held  # which the sidecar takes for a RETRY
        sidecar.taking.go_on.set()
        await sidecar.taking.done.wait()


async def test_a_server_that_was_not_started_is_stopped() -> None:
    async def healthy() -> bool:
        return True

    await TopicServer({}, healthy).stop()
