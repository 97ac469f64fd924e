"""Exports the spans of a service to OTEL_EXPORTER_OTLP_ENDPOINT; imported only if that is set.

OpenTelemetry's environment variables configure the rest, such as OTEL_RESOURCE_ATTRIBUTES and
OTEL_TRACES_SAMPLER.
"""

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

UNTRACED = "^[a-z]+://[^/]+/(healthz|readyz|metrics|stream)$"
"""Requests that are not traced: they repeat all the time, or never end."""
FLUSH_SECONDS = 3
"""How long a stop waits, in seconds, until the last spans are exported."""


class Incoming(Sampler):
    """Begins a trace only for incoming requests and events.

    What a service does by itself, such as a probe or a sweep, begins no trace. Its calls carry an
    unsampled trace, so its sidecar begins none either.
    """

    def __init__(self, chosen: Sampler) -> None:
        self._chosen = chosen

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context).get_span_context()
        if not parent.is_valid and kind not in (SpanKind.SERVER, SpanKind.CONSUMER):
            return SamplingResult(Decision.DROP)
        return self._chosen.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        return f"Incoming({self._chosen.get_description()})"


def export_spans(service: str, app: FastAPI) -> None:
    """Trace the requests that `app` serves and that httpx sends, and our own spans."""
    named = Resource.create({SERVICE_NAME: f"usher-{service}"})
    provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()))
    provider.sampler = Incoming(provider.sampler)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    # Without baggage: a sidecar refuses a request whose `baggage` it cannot read.
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    HTTPXClientInstrumentor().instrument()
    FastAPIInstrumentor.instrument_app(
        app, excluded_urls=UNTRACED, exclude_spans=["receive", "send"]
    )
    _flush_at_the_end(app, provider)


def _flush_at_the_end(app: FastAPI, provider: TracerProvider) -> None:
    """Export the last spans when the app stops.

    Exit handlers do not run, since uvicorn ends the process by the signal that stopped it.
    """
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with inner(app):
            yield
        flush = threading.Thread(target=provider.force_flush, daemon=True)
        flush.start()
        flush.join(FLUSH_SECONDS)

    app.router.lifespan_context = lifespan
