"""Signals to stop: SIGTERM and a closed terminal act like Ctrl-C. A clean-up may ignore them."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Never

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interruptible() -> AbstractContextManager[None]:
    """Raise KeyboardInterrupt in the body on SIGINT, SIGTERM and SIGHUP, so that it cleans up."""
    return _handling(_interrupt)


def uninterrupted() -> AbstractContextManager[None]:
    """Ignore these signals in the body, for a clean-up that has its own bound."""
    return _handling(signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> Never:
    raise KeyboardInterrupt


@contextmanager
def _handling(act: Callable[[int, FrameType | None], Never] | signal.Handlers) -> Iterator[None]:
    previous = {number: signal.signal(number, act) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)
