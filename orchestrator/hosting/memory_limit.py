"""Bounds the memory of an isolated process, so that its work item cannot end the container.

In Kubernetes, the kernel kills every process of a container that is out of memory, the orchestrator
too, and no count tells which item did it. With the bound, the item fails with a `MemoryError`.
"""

import os
import resource
from contextlib import suppress
from pathlib import Path

LIMIT = Path("/sys/fs/cgroup/memory.max")
"""The container's limit in bytes (cgroup v2), or `max`."""
SHARE = 0.9
"""Share of the container's free memory that this process may use."""


def bound_memory(limit: Path = LIMIT) -> None:
    """If the container has a limit, bound this process. Make the kernel kill it before others."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    with suppress(OSError, ValueError):
        allowed = int(limit.read_text())
        pages = int(Path(f"/proc/{os.getppid()}/statm").read_text().split()[1])
        left = int(SHARE * (allowed - pages * os.sysconf("SC_PAGE_SIZE")))
        resource.setrlimit(resource.RLIMIT_DATA, (left, left))
