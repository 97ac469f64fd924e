"""Bounds calls to one instance, so that a silent instance delays no event of the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from dapr.clients.exceptions import DaprInternalError
from grpc import RpcError, StatusCode

from orchestrator.engine.client import Engine, Stalled
from orchestrator.engine.state import NotNow

TAKES_SECONDS = 3
"""How long an instance may take to accept a call. Usually that takes milliseconds; it takes longer
while a turn of its workflow does not return."""

AWAY = (RpcError, DaprInternalError, httpx.HTTPError, OSError)
"""Errors of calls to a sidecar, an engine or a broker that does not answer."""

PATIENCE = (0.25, 1.5)
"""The least and the most seconds that a delivery waits for its instance to accept a call."""

_FOR_ALL = (StatusCode.UNAVAILABLE, StatusCode.INVALID_ARGUMENT)
"""Errors that are no fault of the instance: the sidecar is away, or the call itself is wrong."""


class UnresponsiveInstances:
    """Instances that did not accept an event or a control. `redelivery` tries them again.

    Kept in memory. After a restart, `redelivery` finds them again by their parked events.
    """

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self._slow: set[str] = set()
        """Those that did not answer in time."""

    def __contains__(self, instance_id: str) -> bool:
        return instance_id in self.ids

    def add(self, instance_id: str, *, slow: bool = False) -> None:
        """Leave an instance to `redelivery`."""
        self.ids.add(instance_id)
        (self._slow.add if slow else self._slow.discard)(instance_id)

    def discard(self, instance_id: str) -> None:
        """Remove an instance, because it is tried now."""
        self.ids.discard(instance_id)
        self._slow.discard(instance_id)

    def patience(self, instance_id: str) -> float:
        """Return how many seconds a delivery may wait for an instance.

        All other deliveries wait meanwhile, so the wait is shorter the more instances did not
        answer.
        """
        least, most = PATIENCE
        return least if instance_id in self.ids else max(least, most / (1 + len(self._slow)))


@asynccontextmanager
async def one_instance(
    engine: Engine, instance_id: str, seconds: float = TAKES_SECONDS
) -> AsyncIterator[None]:
    """Bound a call to an instance. Raises `NotNow` where the instance is at fault.

    Other errors pass unchanged: the engine, the sidecar or the store is away.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except Stalled as error:
        raise NotNow(str(error), stalled=True) from error
    except (TimeoutError, RpcError) as error:
        if _is_for_all(error) or not await engine.is_well():
            raise
        told = _told(error, seconds)
        raise NotNow(f"{instance_id!r} did not answer: {told}", stalled=False) from error


def is_of_the_call(error: BaseException) -> bool:
    """Return whether the call itself is wrong, so that repeating it would fail again."""
    return isinstance(error, RpcError) and error.code() is StatusCode.INVALID_ARGUMENT


def _is_for_all(error: Exception) -> bool:
    if not isinstance(error, RpcError):
        return False
    return error.code() in _FOR_ALL or "no such instance" in (error.details() or "")


def _told(error: Exception, seconds: float) -> str:
    if isinstance(error, RpcError):
        return f"{error.code().name} {error.details()}"
    return f"a turn of its workflow has not returned within {seconds:g} s"
