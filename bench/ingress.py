"""Sends requests: publishes them as anybody would, or schedules them at the engine directly."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis

from bench.contenders import Contender
from bench.peers.streams import REQUESTS, packed
from contracts.topics import PUBSUB, Topic
from usher.stack.settings import LOOPBACK, StackSettings

WORKFLOW = "bench_workflow"
Send = Callable[[str], None]
"""Sends the request for one order; returns once it is accepted."""


@contextmanager
def ingress(
    contender: Contender, settings: StackSettings, workflow: str = WORKFLOW, **more: Any
) -> Iterator[Send]:
    """Yield what sends one request to a stack that runs; for several threads.

    On the topic it may be for another `workflow`, with `more` in its input than the order.
    """
    # A client's health check uses this port, and nothing else does. The SDK reads it once, as it is
    # imported: where stacks take turns it asks the first one, which is up as well.
    os.environ |= {
        "DAPR_HTTP_PORT": str(settings.starter_dapr_http_port),
        "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK,
    }
    if contender.ingress == "stream":
        with Redis(host=LOOPBACK, port=settings.redis_port) as broker:
            yield lambda order: _add(broker, order)
    elif contender.ingress == "topic":
        from dapr.clients import DaprClient

        with DaprClient(f"{LOOPBACK}:{settings.starter_dapr_grpc_port}") as sidecar:
            yield lambda order: _publish(sidecar, workflow, {"order": order, **more})
    else:
        from dapr.ext.workflow import DaprWorkflowClient

        port = str(settings.orchestrator_dapr_grpc_port)
        client = DaprWorkflowClient(LOOPBACK, port)
        try:
            yield lambda order: _schedule(client, order)
        finally:
            client.close()


def _publish(sidecar: Any, workflow: str, given: dict[str, Any]) -> None:
    """Publish as `dapr publish` does, through starter's sidecar, with an identity of its own."""
    event = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": "/bench",
        "type": "bench",
        "datacontenttype": "application/json",
        "data": {"workflow": workflow, "input": given},
    }
    content_type = "application/cloudevents+json"
    sidecar.publish_event(PUBSUB, Topic.REQUESTS, json.dumps(event), data_content_type=content_type)


def _add(broker: Redis, order: str) -> None:
    broker.xadd(REQUESTS, packed({"id": uuid.uuid4().hex, "input": {"order": order}}))


def _schedule(client: Any, order: str) -> None:
    client.schedule_new_workflow(WORKFLOW, input={"order": order}, instance_id=order)
