"""The gRPC server that the sidecar delivers topics to."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import grpc
from dapr.ext.grpc import TopicEventResponse
from dapr.proto import appcallback_service_v1 as callbacks
from dapr.proto import appcallback_v1 as messages

from chassis.guard import guards
from contracts.native import entry_of
from contracts.topics import Topic

ANY_SIZE = -1
"""No limit in gRPC. The sidecar would retry an entry that is too large without end, and hold up the
entries after it. Handlers check the size before they parse, and dead-letter the entry."""
RAW = {"rawPayload": "true"}
"""Deliver entries as the broker holds them. A sidecar that decodes entries changes integers above
2^53 and `1.0`, and retries an entry that it cannot decode without end."""
_ANSWER_SECONDS = 1
"""How long the answers of handlers that have just ended may take to be sent."""
SUCCESS = TopicEventResponse("success")
RETRY = TopicEventResponse("retry")

Broker = str
TopicName = str
Handler = Callable[[bytes], Coroutine[Any, Any, TopicEventResponse]]


class TopicServer(callbacks.AppCallbackServicer, callbacks.AppCallbackHealthCheckServicer):
    """Calls the handler of a topic with each entry.

    The sidecar forwards entries that it cannot deliver to the dead-letter topic.
    """

    def __init__(
        self,
        handlers: Mapping[tuple[Broker, TopicName], Handler],
        healthy: Callable[[], Awaitable[bool]],
        token: str = "",
    ) -> None:
        """The sidecar delivers only while `healthy` is true. `token` is the APP_API_TOKEN that the
        sidecar must send; empty for none."""
        self._healthy = healthy
        self._token = token
        self.was_found = False
        """Whether the sidecar has called since the port was opened."""
        self._handlers = handlers
        self._server: grpc.aio.Server | None = None
        self._closing = False
        self._begun: set[asyncio.Task[TopicEventResponse]] = set()

    async def start(self, host: str, port: int) -> int:
        """Open the port and return it; 0 picks a free port. Deliveries begin when the sidecar finds
        the app healthy."""
        self._server = server = grpc.aio.server(
            interceptors=guards(self._token),
            options=[("grpc.max_receive_message_length", ANY_SIZE)],
        )
        callbacks.add_AppCallbackServicer_to_server(self, server)
        callbacks.add_AppCallbackHealthCheckServicer_to_server(self, server)
        bound: int = server.add_insecure_port(f"{host}:{port}")
        await server.start()
        return bound

    async def stop(self, finish_seconds: float = 0) -> None:
        """Take no more deliveries, and wait up to `finish_seconds` for the handlers that run.

        A delivery without an answer comes again.
        """
        self._closing = True
        if self._begun:
            await asyncio.wait(self._begun, timeout=finish_seconds)
        if self._server:
            await self._server.stop(_ANSWER_SECONDS)

    # --- what the sidecar calls -------------------------------------------------------------------

    async def ListTopicSubscriptions(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return messages.ListTopicSubscriptionsResponse(
            subscriptions=[
                messages.TopicSubscription(
                    pubsub_name=broker,
                    topic=topic,
                    metadata=RAW,
                    routes=messages.TopicRoutes(),
                    dead_letter_topic="" if topic is Topic.DEAD_LETTERS else Topic.DEAD_LETTERS,
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
        if self._closing:
            return messages.TopicEventResponse(status=RETRY.status.value)
        # A handler finishes its work even if the sidecar no longer waits for the answer.
        entry = entry_of(request.data, request.topic, context.invocation_metadata() or ())
        begun = asyncio.create_task(handle(entry))
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)
        answer = await asyncio.shield(begun)
        return messages.TopicEventResponse(status=answer.status.value)

    async def HealthCheck(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self.was_found = True
        if not await self._healthy():
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not ready to take deliveries")
        return messages.HealthCheckResponse()
