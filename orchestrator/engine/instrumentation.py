"""Adds the current trace to gRPC calls to the sidecar: starts, publishes, state."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from opentelemetry.instrumentation.grpc import GrpcAioInstrumentorClient, GrpcInstrumentorClient
from opentelemetry.instrumentation.grpc.filters import method_name, negate

_Threads: Callable[..., Any] = GrpcInstrumentorClient
_Loop: Callable[..., Any] = GrpcAioInstrumentorClient
WORK_ITEMS = "GetWorkItems"
"""The worker's stream. It is not traced: it outlives every trace, and would lose its `cancel`."""


def import_sdk() -> None:
    """Import both halves of the workflow SDK, and switch off the tracing that they switch on.

    Each half instruments gRPC when it is imported, and the second warns about the first. Call this
    before anything else imports both.
    """
    for half in ("dapr.ext.workflow", "dapr.ext.workflow.aio"):
        import_module(half)
        carry_trace(False)


def carry_trace(on: bool) -> None:
    """Switch tracing of gRPC calls on or off. Call it before a channel is opened.

    It covers the worker's threads and the event loop. The workflow SDK switches tracing on for all
    calls of the threads where the instrumentation package is installed.
    """
    for one in (_Threads(), _Loop()):
        if one.is_instrumented_by_opentelemetry:
            one.uninstrument()
    if on:
        _Threads(filter_=negate(method_name(WORK_ITEMS))).instrument()
        _Loop().instrument()
