"""The gRPC server that the sidecar delivers topics to."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from dapr.ext.grpc import App

from contracts.topics import PUBSUB, PUBSUB_ORDERED, Topic
from orchestrator.inbox import Inbox

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
RAW = {"rawPayload": "true"}
"""Entries come as they are: the sidecar would try one that it cannot decode again without end."""


class TopicServer:
    """Subscribes the inbox to its topics. The sidecar delivers only while `healthy` is true."""

    def __init__(
        self,
        inbox: Inbox,
        healthy: Callable[[], bool],
        threads: int,
        guards: Sequence[grpc.ServerInterceptor] = (),
    ) -> None:
        self._app = App(
            thread_pool=ThreadPoolExecutor(threads, thread_name_prefix="delivery"),
            options=[("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)],
            interceptors=guards,
        )
        for broker, topic, handler in (
            (PUBSUB, Topic.REQUESTS, inbox.on_request),
            (PUBSUB_ORDERED, Topic.EVENTS, inbox.on_event),
        ):
            letters = Topic.DEAD_LETTERS
            self._app.subscribe(broker, topic, metadata=RAW, dead_letter_topic=letters)(handler)

        def check() -> None:
            if not healthy():
                raise RuntimeError("not ready to take deliveries")

        self._app.register_health_check(check)

    def start(self, host: str, port: int) -> None:
        """Open the port; deliveries begin once the sidecar finds the app healthy."""
        run = threading.Thread(target=self._app.run, args=(port, host), daemon=True)
        run.start()

    def stop(self) -> None:
        self._app.stop()
