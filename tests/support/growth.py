"""How the work of a reader grows with what it reads: a ratio, which no machine's speed changes."""

import time
from collections.abc import Callable

SMALL, TIMES = 8 * 1024, 8
"""A reader is given so many bytes, and so many times as many."""
MOST = 32
"""How much the work may grow by: with linear work 8 times, with quadratic work 64 times."""
_NOTHING = 0.002
"""Seconds of CPU that say nothing of growth, since a clock's tick is not much less."""


def growth(read: Callable[[bytes], object], pumped: Callable[[int], bytes]) -> float:
    """Return how many times the CPU time grows when `pumped` returns `TIMES` as many bytes.

    Of each the best of three: what else the machine does makes work longer, never shorter.
    """
    large = _least(read, pumped(SMALL * TIMES))
    return 0 if large < _NOTHING else large / max(_least(read, pumped(SMALL)), _NOTHING / TIMES)


def _least(read: Callable[[bytes], object], body: bytes) -> float:
    return min(_seconds(read, body) for _ in range(3))


def _seconds(read: Callable[[bytes], object], body: bytes) -> float:
    begin = time.thread_time()
    read(body)
    return time.thread_time() - begin
