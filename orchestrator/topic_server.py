"""The gRPC server that the sidecar delivers topics to."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import grpc
from dapr.ext.grpc import TopicEventResponse
from dapr.proto import appcallback_service_v1 as callbacks
from dapr.proto import appcallback_v1 as messages

from contracts.topics import PUBSUB, PUBSUB_ORDERED, Topic
from orchestrator.inbox import Inbox

ANY_SIZE = -1
"""What the broker holds has to be taken, whatever its size, to be put aside: the sidecar would try
it again without end, and hold up what comes after it. Its size is checked before it is read."""
RAW = {"rawPayload": "true"}
"""Entries come as they are: the sidecar would try one that it cannot decode again without end."""

Handler = Callable[[bytes], Coroutine[Any, Any, TopicEventResponse]]


class TopicServer(callbacks.AppCallbackServicer, callbacks.AppCallbackHealthCheckServicer):
    """Subscribes the inbox to its topics. The sidecar delivers only while `healthy` is true."""

    def __init__(
        self,
        inbox: Inbox,
        healthy: Callable[[], Awaitable[bool]],
        guards: Sequence[grpc.aio.ServerInterceptor] = (),
    ) -> None:
        self._healthy = healthy
        self.was_found = False
        """Whether the sidecar has come to the port since it is open."""
        self._handlers: dict[tuple[str, str], Handler] = {
            (PUBSUB, Topic.REQUESTS): inbox.on_request,
            (PUBSUB_ORDERED, Topic.EVENTS): inbox.on_event,
        }
        self._begun: set[asyncio.Task[TopicEventResponse]] = set()
        self._server = grpc.aio.server(
            interceptors=guards,
            options=[("grpc.max_receive_message_length", ANY_SIZE)],
        )
        callbacks.add_AppCallbackServicer_to_server(self, self._server)
        callbacks.add_AppCallbackHealthCheckServicer_to_server(self, self._server)

    async def start(self, host: str, port: int) -> int:
        """Open the port, a free one where it is 0, and return it; deliveries begin once the sidecar
        finds the app healthy."""
        bound: int = self._server.add_insecure_port(f"{host}:{port}")
        await self._server.start()
        return bound

    async def stop(self) -> None:
        await self._server.stop(None)

    # --- what the sidecar calls -------------------------------------------------------------------

    async def ListTopicSubscriptions(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return messages.ListTopicSubscriptionsResponse(
            subscriptions=[
                messages.TopicSubscription(
                    pubsub_name=broker,
                    topic=topic,
                    metadata=RAW,
                    routes=messages.TopicRoutes(),
                    dead_letter_topic=Topic.DEAD_LETTERS,
                )
                for broker, topic in self._handlers
            ]
        )

    async def ListInputBindings(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return messages.ListInputBindingsResponse()

    async def OnTopicEvent(self, request: Any, context: Any) -> Any:  # noqa: N802
        handle = self._handlers.get((request.pubsub_name, request.topic))
        if handle is None:
            return await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"not ours: {request.topic}")
        # What is begun is done, also where the sidecar waits for it no more.
        begun = asyncio.create_task(handle(request.data))
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)
        answer = await asyncio.shield(begun)
        return messages.TopicEventResponse(status=answer.status.value)

    async def HealthCheck(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self.was_found = True
        if not await self._healthy():
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not ready to take deliveries")
        return messages.HealthCheckResponse()
