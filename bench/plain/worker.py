"""HOP 2 of the plain wiring: a request off the topic starts a workflow, whose last step publishes.

No ledger, no checks, no parking: a request delivered twice after its workflow has ended runs twice,
and nothing tells of a workflow that failed or was terminated.
"""

import json
from collections.abc import Generator
from typing import Any

from dapr.clients import DaprClient
from dapr.ext.grpc import SubscriptionMessage, TopicEventResponse
from dapr.ext.workflow import (
    DaprWorkflowClient,
    DaprWorkflowContext,
    WorkflowActivityContext,
    WorkflowRuntime,
)

from bench.plain.server import topic_server
from bench.plain.settings import Settings
from bench.workflows.bench_workflow import Order, charge, reserve
from contracts.topics import PUBSUB, Topic

WORKFLOW = "bench_workflow"


def main() -> None:
    settings = Settings()
    sidecar = DaprClient()

    def publish(_: WorkflowActivityContext, notice: dict[str, Any]) -> None:
        data = json.dumps(notice)
        sidecar.publish_event(PUBSUB, Topic.COMPLETIONS, data, data_content_type="application/json")

    def bench_workflow(
        ctx: DaprWorkflowContext, order: Order
    ) -> Generator[Any, Any, dict[str, Any]]:
        reserved = yield ctx.call_activity(reserve, input=order.model_dump())
        charged: dict[str, Any] = yield ctx.call_activity(charge, input=reserved)
        yield ctx.call_activity(publish, input={"instance": ctx.instance_id, "output": charged})
        return charged

    runtime = WorkflowRuntime(**settings.runtime_options())
    runtime.register_workflow(bench_workflow, name=WORKFLOW)
    for activity in (reserve, charge, publish):
        runtime.register_activity(activity)
    runtime.start()
    workflows = DaprWorkflowClient(logger_options=settings.logger_options())

    def on_request(message: SubscriptionMessage) -> TopicEventResponse:
        request = json.loads(message.raw_data())
        for _ in range(settings.probe_reads):
            sidecar.get_state("statestore", f"probe-{message.id()}")
        workflows.schedule_new_workflow(
            request["workflow"], input=request["input"], instance_id=message.id()
        )
        return TopicEventResponse("success")

    topic_server(Topic.REQUESTS, on_request, settings.handler_threads).run(
        settings.topic_port, "127.0.0.1"
    )


if __name__ == "__main__":
    main()
