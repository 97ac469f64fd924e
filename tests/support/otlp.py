"""Receives spans as an OpenTelemetry collector does, OTLP over HTTP, and keeps them for a test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Encoded


@dataclass(frozen=True)
class Span:
    """One span, and the service that sent it."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str]
    linked: tuple[str, ...]
    """The traces it is linked to."""


class Receiver:
    """What came in at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._spans: list[Span] = []
        self._lock = threading.Lock()

    def spans(self, trace_id: str | None = None) -> list[Span]:
        """Return the spans of one trace, or all, in the order they came."""
        with self._lock:
            return [one for one in self._spans if trace_id in (None, one.trace_id)]

    def take(self, body: bytes) -> None:
        """Keep the spans of one export."""
        request = ExportTraceServiceRequest.FromString(body)
        taken = [
            _read(_texts(resource.resource.attributes)["service.name"], span)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self._spans += taken


def _read(service: str, span: Encoded) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=Encoded.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        attributes=_texts(span.attributes),
        linked=tuple(link.trace_id.hex() for link in span.links),
    )


def _texts(attributes: "list[KeyValue]") -> dict[str, str]:
    return {one.key: one.value.string_value for one in attributes}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            known = self.path == "/v1/traces" and "content-encoding" not in self.headers
            if known:
                receiver.take(body)
            self.send_response(200 if known else 400)
            self.send_header("content-type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
