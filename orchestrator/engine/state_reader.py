"""Reads the state of one instance, and tells a broken record from an absent engine."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from dapr.ext.workflow import WorkflowState
from dapr.ext.workflow.aio import DaprWorkflowClient
from grpc import RpcError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_fixed

from orchestrator.engine.state import Unreadable

PATIENCE = (0.25, 3)
"""The least and the most seconds that a read may take. Usually it takes milliseconds, but the
sidecar retries some broken records for two minutes."""
KEPT_SECONDS = 10
"""How long an instance whose read timed out is not read again."""
OTHERS_SECONDS = 1
"""Timeout of the read that shows whether the engine reads instances at all."""

Result = TypeVar("Result")


class StateReader:
    """Reads states, and remembers for a while which instances could not be read in time."""

    def __init__(
        self, client: DaprWorkflowClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._slow: dict[str, tuple[float, Unreadable]] = {}
        """By instance: the answer for it, and until when it is given."""

    async def read(self, instance_id: str) -> WorkflowState | None:
        """Return the state of an instance, None where there is none, or `Unreadable`.

        Raises the engine's error, or `TimeoutError`, where no other instance can be read either.
        """
        until, known = self._slow.get(instance_id, (0.0, None))
        if known and self._clock() < until:
            return cast(WorkflowState, known)
        try:
            async with asyncio.timeout(self._patience(instance_id)):
                state = await once_saved(self._client.get_workflow_state, instance_id)
        except (RpcError, TimeoutError, ValueError, OverflowError) as error:
            if not await self._reads_others():
                raise
            unreadable = Unreadable(instance_id, _said(error))
            if isinstance(error, TimeoutError):
                self._slow[instance_id] = self._clock() + KEPT_SECONDS, unreadable
            return cast(WorkflowState, unreadable)
        self._slow.pop(instance_id, None)
        return state

    def _patience(self, instance_id: str) -> float:
        """Return a timeout that is shorter the more instances were slow: other deliveries wait."""
        least, most = PATIENCE
        return least if instance_id in self._slow else max(least, most / (1 + len(self._slow)))

    async def _reads_others(self) -> bool:
        """Return whether the engine answers for a random id that there is no such instance."""
        try:
            async with asyncio.timeout(OTHERS_SECONDS):
                return await self._client.get_workflow_state(uuid.uuid4().hex) is None
        except (RpcError, TimeoutError):
            return False


async def once_saved(ask: Callable[[str], Awaitable[Result]], instance_id: str) -> Result:
    """Call `ask`, up to three times: the engine cannot read an instance while it saves a turn."""
    asking = AsyncRetrying(
        retry=retry_if_exception(_is_saved),
        stop=stop_after_attempt(3),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    return await asking(ask, instance_id)


def _is_saved(error: BaseException) -> bool:
    """Return whether a read failed on an instance that may be half saved."""
    return isinstance(error, RpcError) and "missing from state store" in _said(error)


def _said(error: BaseException) -> str:
    if isinstance(error, RpcError):
        return error.details() or ""
    if isinstance(error, TimeoutError):
        return "reading it takes too long, as where its key is of another kind"
    return f"{type(error).__name__}: {error}"
