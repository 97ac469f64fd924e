"""Spans in the trace of the event that they are about.

If nothing exports them (see `exporting.py`), they record nothing and cost almost nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.cloudevent import CloudEvent

TRACEPARENT = "traceparent"
"""The CloudEvents extension that names the trace of an event (W3C Trace Context)."""

_LONGEST = 512
"""The longest value that is read, in characters. OpenTelemetry reads no longer ones either, and
logs each."""
_W3C = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("usher")


@contextmanager
def continuing(
    carrier: Mapping[str, Any],
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, str] | None = None,
) -> Iterator[Span]:
    """Run in a span of the trace that `carrier` names, linked to the current span.

    If `carrier` names no trace or a malformed one, the new span is a child of the current span.
    """
    running = trace.get_current_span().get_span_context()
    context = _named(carrier)
    if context and trace.get_current_span(context).get_span_context().trace_id == running.trace_id:
        context = None
    links = [Link(running)] if context and running.is_valid else None
    with _tracer.start_as_current_span(name, context, kind, attributes, links) as span:
        yield span


def handling(operation: str, topic: str, event: CloudEvent) -> dict[str, str]:
    """Return the span attributes for sending or processing an event.

    The names are OpenTelemetry's, for messaging and for CloudEvents.
    """
    return {
        "messaging.system": "dapr",
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
        "messaging.message.id": event.id,
        "cloudevents.event_id": event.id,
        "cloudevents.event_source": event.source,
        "cloudevents.event_type": event.type,
    }


def here() -> str | None:
    """Return the traceparent of the current span; None if it is not recorded."""
    if not trace.get_current_span().is_recording():
        return None
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(TRACEPARENT)


def _named(carrier: Mapping[str, Any]) -> Context | None:
    """Return the trace context of a carrier; None if it has no valid one."""
    text = {
        name: value
        for name in (TRACEPARENT, "tracestate")
        if isinstance(value := carrier.get(name), str) and len(value) <= _LONGEST
    }
    context = _W3C.extract(text, Context())
    return context if trace.get_current_span(context).get_span_context().is_valid else None
