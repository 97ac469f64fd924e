"""Reads large bodies in a thread, one at a time, so that the event loop serves others meanwhile."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from contracts.limits import INLINE_BYTES

T = TypeVar("T")


class LargeBodies:
    """Reads one large body at a time: as objects, a body is many times as large as its bytes."""

    def __init__(self) -> None:
        self._large = asyncio.Lock()

    async def read(self, body: bytes, read: Callable[[], T]) -> T:
        """Return the result of `read`, which reads this body."""
        if len(body) <= INLINE_BYTES:
            return read()
        async with self._large:
            return await asyncio.to_thread(read)
