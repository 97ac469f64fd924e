"""Counts what a piece of work does: its own functions, and calls to store and engine on memory."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from tests.support import memory
from tests.support.budget import Cost

_ROOT = Path(__file__).parents[2]
_OURS = tuple(str(_ROOT / folder) for folder in ("orchestrator", "chassis", "contracts"))
_READS = {"MemoryStore.read", "MemoryStore.read_many"}
_WRITES = {"MemoryStore.create", "MemoryStore.replace"}


def cost_of(work: Callable[[], object]) -> Cost:
    """Do the work in this thread, and return what it did; nothing of it depends on the machine.

    Comprehensions and the like count as part of the function that they stand in, as newer Pythons
    have them.
    """
    counted: Counter[str] = Counter()

    def seen(frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        code = frame.f_code
        if code.co_filename.startswith(_OURS) and not code.co_name.startswith("<"):
            counted["functions"] += 1
        elif code.co_filename == memory.__file__ and _asked_by_us(frame):
            kind = code.co_qualname.partition(".")[0]
            name = "reads" if code.co_qualname in _READS else None
            name = "writes" if code.co_qualname in _WRITES else name
            counted[name or ("engine" if kind == "MemoryEngine" else "other")] += 1

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return Cost(counted["reads"], counted["writes"], counted["engine"], counted["functions"])


def _asked_by_us(frame: FrameType) -> bool:
    """Whether the code under test made the call, and not one method of a stand-in another."""
    return frame.f_back is not None and frame.f_back.f_code.co_filename.startswith(_OURS)
