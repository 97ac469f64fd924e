"""Notices a sidecar that has lost its workflow worker although that one runs."""

import time

import psutil

from tests.chaos.observe import Observer
from usher.stack.stack import Stack

GRACE_SECONDS = 15
"""How long both processes must have run: a worker connects within seconds."""
EVERY_SECONDS = 2


class Deadlocks:
    """Looks at each orchestrator's sidecar."""

    def __init__(self, stack: Stack, observer: Observer) -> None:
        self._stack = stack
        self._observer = observer
        self._looked = self._begun = time.monotonic()
        self._sidecars = {
            spec.name.removesuffix("-daprd"): spec
            for spec in stack.outline()
            if spec.name.startswith("orchestrator") and spec.name.endswith("-daprd")
        }
        self._held: set[int] = set()
        self.seen: list[str] = []

    def look(self) -> None:
        """Note a sidecar once for each life in which it is without its worker."""
        if time.monotonic() - self._looked < EVERY_SECONDS:
            return
        self._looked = time.monotonic()
        pids = self._stack.pids()
        for name, spec in self._sidecars.items():
            worker, sidecar = pids.get(name), pids.get(spec.name)
            if worker is None or sidecar is None or sidecar in self._held:
                continue
            if min(_age(worker), _age(sidecar)) < GRACE_SECONDS:
                continue
            if self._observer.without_worker(spec.ready or ""):
                self._held.add(sidecar)
                at = time.monotonic() - self._begun
                self.seen.append(f"{spec.name} (pid {sidecar}) at {at:.0f} s: no worker")


def _age(pid: int) -> float:
    try:
        return time.time() - psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0
