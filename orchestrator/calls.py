"""Lets our gRPC calls to the sidecar carry the trace they are made in: starts, publishes, state."""

from collections.abc import Callable
from typing import Any

from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient
from opentelemetry.instrumentation.grpc.filters import method_name, negate

_Instrumentor: Callable[..., Any] = GrpcInstrumentorClient
WORK_ITEMS = "GetWorkItems"
"""The worker's stream. It outlives every trace, and must keep its `cancel`, which goes by it."""


def carry_trace(on: bool) -> None:
    """Call it before a channel is opened.

    The workflow SDK switches this on by itself where the package is there, for all calls.
    """
    _Instrumentor().uninstrument()
    if on:
        _Instrumentor(filter_=negate(method_name(WORK_ITEMS))).instrument()
