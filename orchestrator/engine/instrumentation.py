"""Lets our gRPC calls to the sidecar carry the trace they are made in: starts, publishes, state."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from opentelemetry.instrumentation.grpc import GrpcAioInstrumentorClient, GrpcInstrumentorClient
from opentelemetry.instrumentation.grpc.filters import method_name, negate

_Threads: Callable[..., Any] = GrpcInstrumentorClient
_Loop: Callable[..., Any] = GrpcAioInstrumentorClient
WORK_ITEMS = "GetWorkItems"
"""The worker's stream. It outlives every trace, and must keep its `cancel`, which goes by it."""


def import_sdk() -> None:
    """Import both halves of the workflow SDK, so that neither traces gRPC unasked.

    Each switches the same instrumentation on when it is imported; the second one complains of the
    first. Call it before anything else imports them both.
    """
    for half in ("dapr.ext.workflow", "dapr.ext.workflow.aio"):
        import_module(half)
        carry_trace(False)


def carry_trace(on: bool) -> None:
    """Call it before a channel is opened, for those of the worker's threads and of the event loop.

    The workflow SDK switches the first on by itself where the package is there, for all calls.
    """
    for one in (_Threads(), _Loop()):
        if one.is_instrumented_by_opentelemetry:
            one.uninstrument()
    if on:
        _Threads(filter_=negate(method_name(WORK_ITEMS))).instrument()
        _Loop().instrument()
