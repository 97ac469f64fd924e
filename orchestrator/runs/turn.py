"""The turn of a workflow that runs in this thread.

A turn runs a workflow from its last event to its next `yield`.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_here = threading.local()


@dataclass(eq=False)
class Turn:
    """One turn, in the thread that runs it."""

    instance_id: str
    fail: Callable[[Exception], None]
    """Answers the turn as failed."""
    thread: int = field(default_factory=threading.get_ident)
    workflow: str = ""
    looks: int = 0
    """How often a `TurnWatch` looked at the turn since its last step."""
    reported: bool = False
    """Whether the log says that the turn blocks."""
    _answered: threading.Lock = field(default_factory=threading.Lock)

    def claim(self) -> bool:
        """Take the right to answer this turn; True for the first call only."""
        return self._answered.acquire(blocking=False)


@contextmanager
def in_this_thread(turn: Turn) -> Iterator[None]:
    """Make `turn` the turn of this thread."""
    _here.turn = turn
    try:
        yield
    finally:
        _here.turn = None


def stepped(workflow: str) -> None:
    """Note that the turn in this thread has made a step."""
    if turn := _turn():
        turn.workflow, turn.looks = workflow, 0


def may_answer() -> bool:
    """Return False in the thread of a turn that was already answered as failed."""
    turn = _turn()
    return turn is None or turn.claim()


def _turn() -> Turn | None:
    return getattr(_here, "turn", None)
