"""Which trace an event belongs to; and that nothing of tracing runs where nobody asked for it."""

import subprocess
import sys
from typing import Any

import grpc
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision
from opentelemetry.trace import SpanKind

from chassis.exporting import Incoming
from chassis.logs import set_up_logs
from chassis.tracing import continuing, here
from orchestrator.engine.instrumentation import carry_trace
from starter.settings import Settings
from tests.support.traceparent import Caller

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
NO_TRACE = "0" * 32


def trace_of(attributes: dict[str, Any]) -> str:
    """Return the trace that work on an event of these attributes belongs to."""
    with continuing(attributes, "work") as span:
        return trace.format_trace_id(span.get_span_context().trace_id)


def test_an_event_names_its_trace() -> None:
    caller = Caller()
    assert trace_of({**caller.headers, "tracestate": "vendor=1", "subject": "s"}) == caller.trace_id


def test_what_names_no_trace_is_part_of_what_runs() -> None:
    outer, inner = Caller(), Caller()
    with continuing(outer.headers, "outer"):
        assert trace_of({}) == outer.trace_id
        assert trace_of({"traceparent": "garbage"}) == outer.trace_id
        assert trace_of(inner.headers) == inner.trace_id
    assert trace_of({}) == NO_TRACE


ANYTHING = st.text(max_size=80) | st.integers() | st.booleans() | st.none() | st.floats()


@given(ANYTHING, ANYTHING | st.lists(ANYTHING) | st.dictionaries(st.text(), ANYTHING))
def test_a_malformed_trace_is_none(traceparent: Any, tracestate: Any) -> None:
    assert trace_of({"traceparent": traceparent, "tracestate": tracestate}) == NO_TRACE
    caller = Caller()
    assert trace_of({**caller.headers, "tracestate": tracestate}) == caller.trace_id


@pytest.mark.parametrize(
    "traceparent",
    [
        f"00-{NO_TRACE}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        f"ff-{'1' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'1' * 16}-01-more",
        f"00-{'1' * 32}-{'1' * 16}-01" + " " * 600,
        f"00-{'G' * 32}-{'1' * 16}-01",
    ],
)
def test_a_trace_that_w3c_forbids_is_none(traceparent: str) -> None:
    assert trace_of({"traceparent": traceparent}) == NO_TRACE


def test_a_run_keeps_no_trace_that_is_not_recorded() -> None:
    with continuing(Caller().headers, "work"):
        assert here() is None


def test_a_log_line_says_which_trace_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        set_up_logs("json")
        log = structlog.get_logger()
        caller = Caller()
        with continuing(caller.headers, "work"):
            log.info("inside")
        log.info("outside")
    finally:
        structlog.configure(**before)
    inside, outside = capsys.readouterr().out.splitlines()
    assert f'"trace_id": "{caller.trace_id}"' in inside
    assert "trace_id" not in outside


@pytest.mark.parametrize("kind", list(SpanKind))
def test_only_what_comes_in_begins_a_trace(kind: SpanKind) -> None:
    begun = Incoming(ALWAYS_ON).should_sample(None, 1, "work", kind).decision
    assert (begun is Decision.RECORD_AND_SAMPLE) == (kind in (SpanKind.SERVER, SpanKind.CONSUMER))
    with continuing(Caller().headers, "outer"):
        within = Incoming(ALWAYS_ON).should_sample(None, 1, "work", kind).decision
    assert within is Decision.RECORD_AND_SAMPLE


@pytest.mark.parametrize("variable", ENDPOINTS)
def test_an_endpoint_switches_it_on(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    assert not Settings().otlp_endpoint
    monkeypatch.setenv(variable, "http://127.0.0.1:4318")
    assert Settings().otlp_endpoint == "http://127.0.0.1:4318"


@pytest.mark.parametrize("service", ["starter", "orchestrator", "notifier"])
def test_without_an_endpoint_nothing_is_loaded_that_exports(service: str) -> None:
    loaded = f"import sys, {service}.__main__; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=60
    )
    modules = run.stdout.split()
    assert "opentelemetry.trace" in modules
    assert not {"opentelemetry.exporter", "chassis.exporting"} & set(modules)


def test_grpc_calls_carry_a_trace_only_where_there_is_tracing() -> None:
    """The workflow SDK, once imported, would have every channel carry one."""
    try:
        carry_trace(True)
        assert carried() == (True, True)
    finally:
        carry_trace(False)
    assert carried() == (False, False)


def carried() -> tuple[bool, bool]:
    """Tell whether calls carry a trace, those on threads and those on an event loop."""
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        on_threads = type(channel).__module__ != "grpc._channel"
    return on_threads, grpc.aio.insecure_channel.__module__.startswith("opentelemetry")
