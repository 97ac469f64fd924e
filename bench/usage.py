"""CPU time and memory of a stack's processes, told by the system and not by the processes."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from usher.stack.ownership import owned
from usher.stack.stack import SUPERVISORD


class Restarted(Exception):
    """A process ended in the middle of a measurement, so what it had used is not known."""


@dataclass(frozen=True)
class Usage:
    """What each process of a stack has used until now: seconds of CPU, bytes of memory."""

    cpu: dict[str, float]
    rss: dict[str, int]
    pids: frozenset[int]

    def since(self, before: "Usage") -> dict[str, float]:
        """Return the CPU seconds of each process since `before`. Raises `Restarted`."""
        if gone := before.pids - self.pids:
            raise Restarted(f"no longer there: {', '.join(map(str, sorted(gone)))}")
        return {name: used - before.cpu.get(name, 0.0) for name, used in self.cpu.items()}


def usage_of(data_dir: Path) -> Usage:
    """Look at every process of the stack with these data; children count as their parent.

    They come and go, as Postgres' do, and may write their titles over the environment that marks a
    process as the stack's. Of their memory only what they do not share is added.
    """
    cpu: dict[str, float] = {}
    rss: dict[str, int] = {}
    pids = set()
    for name, process, parent in _families(data_dir):
        label = name or SUPERVISORD
        try:
            with process.oneshot():
                times, memory = process.cpu_times(), process.memory_info()
        except psutil.NoSuchProcess:
            continue  # a short one, such as a health check
        cpu[label] = cpu.get(label, 0.0) + spent(times)
        rss[label] = rss.get(label, 0) + memory.rss - (0 if parent else memory.shared)
        if parent:
            pids.add(process.pid)
    return Usage(cpu, rss, frozenset(pids))


def _families(data_dir: Path) -> Iterator[tuple[str, psutil.Process, bool]]:
    """Yield each process with its name, and whether it is what supervisord started."""
    marked = owned(data_dir)
    names = {process.pid: name for name, process in marked}
    for name, process in marked:
        with suppress(psutil.NoSuchProcess):
            if names.get(process.ppid()):
                continue  # comes with its parent
            children = process.children(recursive=True) if name else []
            yield name, process, True
            yield from ((name, child, False) for child in children)


def spent(times: Any) -> float:
    """Return the seconds of a process and of the children it has seen end."""
    return float(times.user + times.system + times.children_user + times.children_system)


def own_cpu() -> float:
    """Return the seconds that this process, the driver, has used."""
    return spent(psutil.Process().cpu_times())
