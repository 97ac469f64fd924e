"""A periodic job: a background task that awaits a step at an interval until it is stopped."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

ENDS_WITHIN_SECONDS = 5
"""How long a stop waits for the running step."""

_log = structlog.get_logger()


class Periodic:
    """Awaits `step` every `seconds`. A step that raises is logged, and runs again next time.

    The first step runs after `first` seconds, by default after `seconds`. After a
    step that raised, the next one runs after `first` seconds too: what it needs may be back soon.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        step: Callable[[], Awaitable[object]],
        first: float | None = None,
    ) -> None:
        self._name = name
        self._seconds = seconds
        self._first = seconds if first is None else first
        self._step = step
        self._stop = asyncio.Event()

    def start(self) -> None:
        """Start the job on the running event loop."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Start no more steps, and wait a little for the running step."""
        self._stop.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._task, ENDS_WITHIN_SECONDS)

    async def _run(self) -> None:
        wait = self._first
        while not await self._is_over(wait):
            wait = self._seconds
            try:
                await self._step()
            except Exception as error:
                wait = self._first
                text = f"{type(error).__name__}: {error}"
                _log.warning("will be tried again", step=self._name, error=text)

    async def _is_over(self, seconds: float) -> bool:
        """Wait for the next step; return whether the stop came first."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()
