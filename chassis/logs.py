"""Log lines: readable on a terminal, JSON otherwise. Each names the event that it is about."""

import logging
import sys
from contextlib import AbstractContextManager

import structlog
from opentelemetry import trace

from contracts import printable
from contracts.cloudevent import CloudEvent
from contracts.refusal import shortened

LONGEST = 10_000
"""The longest value in a log line, in characters."""


def set_up_logs(log_format: str) -> None:
    """Configure structlog; `log_format` is `auto`, `console` or `json`."""
    console = log_format == "console" or (log_format == "auto" and sys.stdout.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            add_trace_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            harmless,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(_Harmless("%(levelname)s: %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


class _Harmless(logging.Formatter):
    """Formats the log lines of libraries, with control characters escaped."""

    def format(self, record: logging.LogRecord) -> str:
        return printable.lines(super().format(record))


def about(event: CloudEvent, instance_id: str | None) -> AbstractContextManager[None]:
    """Add the event and the instance to every log line inside the `with` block."""
    return structlog.contextvars.bound_contextvars(
        event_id=event.id, event_source=event.source, instance_id=instance_id
    )


def harmless(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape control characters, and cut values longer than `LONGEST`."""
    for name, value in event.items():
        if isinstance(value, str):
            made = printable.lines if name == "exception" else printable.one_line
            event[name] = made(shortened(value, LONGEST))
    return event


def add_trace_id(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Add the id of the current trace; inside `tracing.continuing` that is the event's trace."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
    return event
