"""One trace from whoever publishes to the notice: the spans of real runs, read off OTLP."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.driver import Driver, eventually, fresh
from tests.support.otlp import Receiver, Span, receiving
from tests.support.stack import PORTS_BESIDE
from tests.support.traceparent import Caller
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack

FROM_THE_TOPIC_ON = {
    ("usher-orchestrator", "process workflow-requests"),
    ("orchestrator", "create_orchestration||hello_workflow"),
    ("orchestrator", "orchestration||hello_workflow"),
    ("orchestrator", "activity||hello_activity"),
    ("usher-orchestrator", "activity: hello_activity"),
    ("usher-orchestrator", "announce an ending"),
    ("usher-notifier", "process workflow-completions"),
}
PUBLISHED = {("starter", "/v1.0/publish/pubsub/workflow-requests")}
"""Sidecars are named by their app id, our services with `usher-` before it."""
MALFORMED = ["garbage", "", "x" * 600, 5, f"ff-{'1' * 32}-{'1' * 16}-01"]


class Traced:
    """A stack whose spans are received."""

    def __init__(self, usher: Driver, receiver: Receiver) -> None:
        self.usher = usher
        self.receiver = receiver

    def sidecar(self, data: dict[str, Any], caller: Caller | None, topic: str = "requests") -> None:
        """Publish as `dapr publish` does, past the starter."""
        port = self.usher.settings.starter_dapr_http_port
        url = f"http://127.0.0.1:{port}/v1.0/publish/pubsub/workflow-{topic}"
        headers = caller.headers if caller else {}
        self.usher.http.post(url, json=data, headers=headers).raise_for_status()

    def starter(self, path: str, caller: Caller, data: Any = None) -> None:
        answer = self.usher.post(path, json=data, headers=caller.headers)
        assert answer.status_code == 202, answer.text

    def wait(self, trace_id: str, *wanted: tuple[str, str]) -> list[Span]:
        """Wait until a trace has these spans, as (service, name); return all that it has."""

        def complete(spans: list[Span]) -> bool:
            return {*wanted} <= {(span.service, span.name) for span in spans}

        return eventually(lambda: self.receiver.spans(trace_id), complete)

    def tree(self, trace_id: str, root: str, *wanted: tuple[str, str]) -> None:
        """Wait until a trace has these spans, and all hang on `root`, over whatever services.

        A service exports its spans apart from the others, so a span may come before its parent.
        """

        def complete(spans: list[Span]) -> bool:
            above = {span.parent_id for span in spans} - {span.span_id for span in spans}
            return {*wanted} <= {(one.service, one.name) for one in spans} and above == {root}

        eventually(lambda: self.receiver.spans(trace_id), complete)

    def one(self, trace_id: str, service: str, name: str) -> Span:
        spans = self.wait(trace_id, (service, name))
        (found,) = [span for span in spans if (span.service, span.name) == (service, name)]
        return found


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """A stack of its own: the tests' shared one has tracing off, as everybody's has at first."""
    said: list[str] = []
    with receiving() as receiver, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        environment.setenv("ORCHESTRATOR_SWEEP_SECONDS", "1")
        defaults = StackSettings(
            data_dir=tmp_path_factory.mktemp("stack"), otlp_endpoint=receiver.url
        )
        settings = defaults.shifted(PORTS_BESIDE + 50)
        stack = Stack(settings)
        try:
            stack.up(report=said.append)
            with httpx.Client(timeout=30, trust_env=False) as http:
                yield Traced(Driver(stack, settings, http), receiver)
        finally:
            stack.down(report=said.append)


def test_one_trace_from_the_caller_of_the_starter_to_the_notice(traced: Traced) -> None:
    caller, instance = Caller(), fresh("hello")
    traced.starter(f"/workflows/hello_workflow?instance_id={instance}", caller, "Ada")
    door = {
        ("usher-starter", "POST /workflows/{name}"),
        ("usher-starter", "send workflow-requests"),
    }
    traced.tree(caller.trace_id, caller.span_id, *door, *PUBLISHED, *FROM_THE_TOPIC_ON)
    served = traced.one(caller.trace_id, "usher-orchestrator", "process workflow-requests")
    assert served.kind == "CONSUMER"
    assert served.attributes["usher.instance_id"] == instance
    assert served.attributes["usher.disposition"] == "started"
    event_id = served.attributes["cloudevents.event_id"]
    (line,) = [one for one in traced.usher.log("orchestrator").splitlines() if event_id in one]
    assert caller.trace_id in line


def test_one_trace_from_a_publisher_past_the_starter(traced: Traced) -> None:
    caller = Caller()
    traced.sidecar({"workflow": "hello_workflow", "input": "Ada"}, caller)
    traced.tree(caller.trace_id, caller.span_id, *PUBLISHED, *FROM_THE_TOPIC_ON)


def test_a_publisher_that_knows_no_traces_gets_one(traced: Traced) -> None:
    instance = fresh("hello")
    traced.sidecar(
        {"workflow": "hello_workflow", "input": "Ada", "instance_id": instance}, caller=None
    )

    def served() -> list[Span]:
        return [
            span
            for span in traced.receiver.spans()
            if span.attributes.get("usher.instance_id") == instance
        ]

    (span,) = eventually(served, bool)
    traced.tree(span.trace_id, "", *PUBLISHED, *FROM_THE_TOPIC_ON)


def test_a_trace_that_an_event_brings_goes_before_that_of_its_request(traced: Traced) -> None:
    event, request, event_id = Caller(), Caller(), fresh("event")
    envelope = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/tests",
        "type": "test",
        "data": {"workflow": "hello_workflow", "input": "Ada"},
        **event.headers,
    }
    traced.usher.post(
        "/events",
        content=json.dumps(envelope),
        headers={"content-type": "application/cloudevents+json", **request.headers},
    ).raise_for_status()
    traced.tree(event.trace_id, event.span_id, *PUBLISHED, *FROM_THE_TOPIC_ON)
    sent = traced.one(event.trace_id, "usher-starter", "send workflow-requests")
    assert sent.linked == (request.trace_id,)


def test_an_early_event_keeps_its_trace_until_its_instance_comes(traced: Traced) -> None:
    early, start, instance = Caller(), Caller(), fresh("approval")
    traced.starter(f"/instances/{instance}/events/approval", early, {"approved": True})
    parked = traced.one(early.trace_id, "usher-orchestrator", "process workflow-events")
    assert parked.attributes["usher.disposition"] == "parked"
    traced.sidecar({"workflow": "approval_workflow", "instance_id": instance}, start)
    assert traced.usher.notice(instance)["output"]["decision"] == "approved"
    handed = traced.one(early.trace_id, "usher-orchestrator", "hand over a parked event")
    assert handed.linked == (start.trace_id,)


def test_an_ending_that_the_run_could_not_announce_is_in_the_trace_of_the_run(
    traced: Traced,
) -> None:
    start, control, behind = Caller(), Caller(), Caller()
    for caller in (start, behind):
        command = {"workflow": "approval_workflow", "instance_id": caller.trace_id}
        traced.sidecar(command, caller)
        traced.usher.running(caller.trace_id)
    command = {"instance_id": start.trace_id, "control": "terminate"}
    traced.sidecar(command, control, topic="events")
    traced.usher.ask_engine(f"{behind.trace_id}/terminate").raise_for_status()
    for caller in (start, behind):
        assert traced.usher.notice(caller.trace_id)["outcome"] == "TERMINATED"
        announced = traced.one(caller.trace_id, "usher-orchestrator", "announce an ending")
        heard = traced.one(caller.trace_id, "usher-notifier", "process workflow-completions")
        assert heard.trace_id == announced.trace_id
        assert announced.linked in ((control.trace_id,), ())


def test_a_dead_letter_is_in_the_trace_of_its_event(traced: Traced) -> None:
    caller = Caller()
    traced.sidecar({"workflow": fresh("unknown")}, caller)
    put_aside = traced.one(caller.trace_id, "usher-orchestrator", "process workflow-requests")
    assert put_aside.attributes["usher.reason"] == "unknown_workflow"
    assert traced.one(caller.trace_id, "usher-notifier", "process workflow-dead-letters")


def test_a_malformed_trace_does_no_harm(traced: Traced) -> None:
    """With `traceid` in it too, a sidecar passes the event on as it is."""
    malformed = {fresh("hello"): trace for trace in MALFORMED}
    for instance, trace in malformed.items():
        command = {"workflow": "hello_workflow", "input": "Ada", "instance_id": instance}
        told = {"traceparent": trace, "traceid": trace, "tracestate": trace}
        traced.usher.cloudevent("workflow-requests", instance, command, **told)
    for instance in malformed:
        assert traced.usher.notice(instance)["outcome"] == "COMPLETED"


def test_what_a_service_does_by_itself_begins_no_trace(traced: Traced) -> None:
    """Probes, sweeps and health checks went on while the tests before this one ran."""
    caller = Caller()
    traced.sidecar({"workflow": "hello_workflow", "input": "Ada"}, caller)
    traced.wait(caller.trace_id, *FROM_THE_TOPIC_ON)
    begun = [span for span in traced.receiver.spans() if not span.parent_id]
    ours = {span.kind for span in begun if span.service.startswith("usher-")}
    assert ours <= {"SERVER", "CONSUMER"}
    probed = {"GET /readyz", "GET /healthz", "GET /metrics"}
    sweeping = {f"/dapr.proto.runtime.v1.Dapr/{name}" for name in ("GetState", "GetBulkState")}
    assert {span.name for span in begun} & (probed | sweeping) == set()
