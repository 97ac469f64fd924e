"""A topic server as the SDK makes it, with as many threads as asked for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dapr.ext.grpc import App, SubscriptionMessage, TopicEventResponse

from contracts.topics import PUBSUB, Topic

Handler = Callable[[SubscriptionMessage], TopicEventResponse]


def topic_server(topic: Topic, handler: Handler, threads: int | None) -> App:
    """Return an app that is subscribed to one topic; its `run` blocks."""
    app = App(thread_pool=ThreadPoolExecutor(threads)) if threads else App()
    app.register_health_check(lambda: None)
    app.subscribe(PUBSUB, topic)(handler)
    return app
