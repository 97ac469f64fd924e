"""The gRPC server that the sidecar delivers topics to."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import grpc
from dapr.ext.grpc import TopicEventResponse
from dapr.proto import appcallback_service_v1 as callbacks
from dapr.proto import appcallback_v1 as messages

from chassis.guard import guards
from contracts.topics import Topic

ANY_SIZE = -1
"""What the broker holds has to be taken, whatever its size, to be put aside: the sidecar would try
it again without end, and hold up what comes after it. Its size is checked before it is read."""
RAW = {"rawPayload": "true"}
"""Entries come as the broker has them. A sidecar that decodes them turns integers above 2^53 and
`1.0` into other numbers, and tries one that it cannot decode again without end."""
SUCCESS = TopicEventResponse("success")
RETRY = TopicEventResponse("retry")

Broker = str
Handler = Callable[[bytes], Coroutine[Any, Any, TopicEventResponse]]


class TopicServer(callbacks.AppCallbackServicer, callbacks.AppCallbackHealthCheckServicer):
    """Hands the entries of each topic to its handler. What the sidecar cannot deliver goes to the
    dead-letter topic.
    """

    def __init__(
        self,
        handlers: Mapping[tuple[Broker, Topic], Handler],
        healthy: Callable[[], Awaitable[bool]],
        token: str = "",
    ) -> None:
        """The sidecar delivers only while `healthy` is true. `token` is the APP_API_TOKEN that it
        must show, empty for none."""
        self._healthy = healthy
        self._token = token
        self.was_found = False
        """Whether the sidecar has come to the port since it is open."""
        self._handlers = handlers
        self._begun: set[asyncio.Task[TopicEventResponse]] = set()

    async def start(self, host: str, port: int) -> int:
        """Open the port, a free one where it is 0, and return it; deliveries begin once the sidecar
        finds the app healthy."""
        self._server = grpc.aio.server(
            interceptors=guards(self._token),
            options=[("grpc.max_receive_message_length", ANY_SIZE)],
        )
        callbacks.add_AppCallbackServicer_to_server(self, self._server)
        callbacks.add_AppCallbackHealthCheckServicer_to_server(self, self._server)
        bound: int = self._server.add_insecure_port(f"{host}:{port}")
        await self._server.start()
        return bound

    async def stop(self, finish_seconds: float = 0) -> None:
        """Take no more; deliveries that are not answered by then are cut off, and come again."""
        await self._server.stop(finish_seconds)

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
