"""Counts the calls that a piece of work makes to the store and the engine on memory."""

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
    """Do the work in this thread, and return what it cost; that does not depend on the machine."""
    counted: Counter[str] = Counter()

    def seen(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename == memory.__file__ and _asked_by_us(frame):
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
    return Cost(counted["reads"], counted["writes"], counted["engine"])


def _asked_by_us(frame: FrameType) -> bool:
    """Whether the code under test made the call, and not one method of a stand-in another."""
    return frame.f_back is not None and frame.f_back.f_code.co_filename.startswith(_OURS)
