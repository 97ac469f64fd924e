"""Does something again and again, beside everything else, until it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

ENDS_WITHIN_SECONDS = 5
"""How long a stop waits for the step that is on."""

_log = structlog.get_logger()


class Periodic:
    """Awaits `step` every `seconds`; a step that raises is tried again the next time.

    The first comes after `first` seconds, where that is given.
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
        """Begin, on the event loop that runs now."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Begin no more steps, and wait a little for the one that is on."""
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
                said = f"{type(error).__name__}: {error}"
                _log.warning("will be tried again", step=self._name, error=said)

    async def _is_over(self, seconds: float) -> bool:
        """Wait for the next step; tell whether the stop came first."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()
