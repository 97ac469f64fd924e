"""Strikes the stack as the plan says: a SIGKILL, or an absence that ends again."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.chaos.observed import Struck
from tests.chaos.plan import IN_FLIGHT, Blow, Plan
from usher.stack.stack import Stack

Report = Callable[[str], None]
Strike = Callable[[Stack, str], bool]
"""Strikes a target of the stack. Returns False if that is not possible now."""


def kill_process(stack: Stack, target: str) -> bool:
    """Kill a process of the stack at once. Return False if it does not run."""
    pid = stack.pids().get(target)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    return pid is not None


class Blows:
    """Each falls once: after its count, as soon as enough is in flight and its target runs."""

    def __init__(
        self, stack: Stack, plan: Plan, report: Report, strike: Strike = kill_process
    ) -> None:
        self._stack = stack
        self._strike = strike
        self._left = list(plan.blows)
        self._orchestrators = [n for n in stack.names() if n.startswith("orchestrator")]
        self._kept = plan.kept_for_absence
        self._report = report
        self._begun = time.monotonic()
        self._absence: tuple[float, float] | None = None
        self.struck: list[Struck] = []

    @property
    def left(self) -> int:
        return len(self._left) + (self._absence is not None)

    @property
    def absent(self) -> bool:
        return self._absence is not None

    def allowance(self) -> int:
        """How many more runs may be in flight now: it grows while a service is kept away."""
        if self._absence is None:
            return 0
        begun, seconds = self._absence
        return int(self._kept * min(1, (time.monotonic() - begun) / seconds))

    def due(self, starts: int, notices: int) -> list[Blow]:
        """Return the blows whose count is reached, and that have not fallen."""
        counts = {"start": starts, "notice": notices}
        return [blow for blow in self._left if counts[blow.on] >= blow.count]

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """Hold the orchestrators still for a moment, so that nothing ends meanwhile."""
        pids = self._stack.pids()
        held = [pids[name] for name in self._away() if name in pids]
        try:
            self._signal(held, signal.SIGSTOP)
            yield
        finally:
            self._signal(held, signal.SIGCONT)

    def strike(self, starts: int, notices: int, in_flight: int) -> None:
        """Let every blow fall that is due, and let a service come back whose time is over."""
        if self._absence and time.monotonic() > sum(self._absence):
            for name in self._away():
                self._stack.start(name)
            self._absence = None
            self._report("the orchestrator is back")
        for blow in self.due(starts, notices):
            if in_flight < IN_FLIGHT or not self._falls(blow):
                continue
            self._left.remove(blow)
            at = time.monotonic() - self._begun
            self.struck.append(Struck(blow, starts, notices, in_flight, round(at, 1)))
            does = f"away for {blow.away_seconds} s" if blow.away_seconds else "struck"
            self._report(f"{blow.target} is {does} ({notices} notices, {in_flight} in flight)")

    def _falls(self, blow: Blow) -> bool:
        if blow.away_seconds:
            for name in self._away():
                self._stack.stop(name)
            self._absence = (time.monotonic(), blow.away_seconds)
            return True
        if self._absence and blow.target in self._away():
            return False
        return self._strike(self._stack, blow.target)

    def _signal(self, pids: list[int], what: signal.Signals) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, what)

    def _away(self) -> list[str]:
        """The orchestrator in all its replicas; the sidecars stay."""
        return [name for name in self._orchestrators if not name.endswith("-daprd")]
