"""Bounds the memory of a process that runs one work item, so that the kernel ends no container.

In Kubernetes, the kernel kills a whole container that is out of memory: the orchestrator, too. Then
nobody could say which work item did it. Bounded, the work item gets a `MemoryError`, and fails.
"""

import os
import resource
from contextlib import suppress
from pathlib import Path

LIMIT = Path("/sys/fs/cgroup/memory.max")
"""The container's, of cgroup v2; `max` where there is none."""
SHARE = 0.9
"""Of what the orchestrator leaves free."""


def bound_memory(limit: Path = LIMIT) -> None:
    """Bound this process where the container is, and have the kernel choose it before others."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    with suppress(OSError, ValueError):
        allowed = int(limit.read_text())
        pages = int(Path(f"/proc/{os.getppid()}/statm").read_text().split()[1])
        left = int(SHARE * (allowed - pages * os.sysconf("SC_PAGE_SIZE")))
        resource.setrlimit(resource.RLIMIT_DATA, (left, left))
