"""Being told to stop: SIGTERM and a closed terminal act like Ctrl-C; stopping is not cut short."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Never

_TOLD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interruptible() -> AbstractContextManager[None]:
    """Raise KeyboardInterrupt in the body on SIGINT, SIGTERM and SIGHUP, so that it cleans up."""
    return _when_told(_interrupt)


def uninterrupted() -> AbstractContextManager[None]:
    """Let the body finish: for a clean-up that is bounded by itself."""
    return _when_told(signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> Never:
    raise KeyboardInterrupt


@contextmanager
def _when_told(act: Callable[[int, FrameType | None], Never] | signal.Handlers) -> Iterator[None]:
    before = [signal.signal(told, act) for told in _TOLD]
    try:
        yield
    finally:
        for told, earlier in zip(_TOLD, before, strict=True):
            signal.signal(told, earlier)
