"""A stack of Usher's on which bursts are measured, and what went wrong on it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from bench.contenders import Contender, chosen
from bench.figures import Measures
from bench.hearing import Hearing
from bench.ingress import WORKFLOW, ingress
from bench.load import PATIENCE_SECONDS, Load
from bench.running import running
from bench.stacks import stack_settings
from bench.usage import usage_of
from bench.visit import Meter
from usher.stack.errors import StackError
from usher.stack.settings import LOOPBACK, StackSettings
from usher.stack.spec import Binaries
from usher.stack.stack import Stack

USHER = chosen(["usher"])[0]
WARM_UP = 20
STEPS_A_SECOND = 10
"""Less than that is given up as lost; a slow machine does some fifty."""
WATCHED = ("orchestrator", "orchestrator-daprd", "notifier", "notifier-daprd", "scheduler")
STEADY = "last quarter's rate to the second's"
_TROUBLES = {
    "deliveries asked for again": ("orchestrator", "will be tried again"),
    "app found un-healthy": ("orchestrator-daprd", "App entered un-healthy status"),
    "deadlines exceeded": ("orchestrator-daprd", "DeadlineExceeded"),
}
"""What a line of a log tells of: the process, and the words."""


@dataclass(frozen=True)
class Running:
    """A stack with an ear at its notifier."""

    settings: StackSettings
    stack: Stack
    hearing: Hearing
    idle_seconds: float

    def burst(self, size: int, name: str, workflow: str = WORKFLOW, **more: int) -> Measures:
        """Warm up, measure idle, then so many at once; `name` is another for each burst."""
        before, warm_up = self._troubles(), min(WARM_UP, size)
        with ingress(USHER, self.settings, workflow, **more) as send:
            # Workflows of many steps end all at once, long after they began.
            patience = PATIENCE_SECONDS + size * more.get("steps", 0) / STEPS_A_SECOND
            load = Load(send, self.hearing, patience, name)
            load.burst(warm_up)
            meter = Meter(self.settings, load)
            meter.settle()
            meter.idle(self.idle_seconds)
            meter.burst(size)
        orders = (f"{name}-{warm_up + number}" for number in range(1, size + 1))
        ends = sorted(times[0] for order in orders if (times := self.hearing.times(order)))
        measures = {
            what.replace(f" at {size}", ""): value for what, value in meter.measures.items()
        }
        troubles = {what: count - before[what] for what, count in self._troubles().items()}
        return measures | {STEADY: steadiness(ends, meter.yardstick.mean_between)} | troubles

    def work(self, count: int, name: str, at_once: int = 1000) -> None:
        """Have so many done, a thousand at once; `name` is another each time. Raises where one is
        lost."""
        with ingress(USHER, self.settings) as send:
            load = Load(send, self.hearing, name=name)
            for begin in range(0, count, at_once):
                size = min(at_once, count - begin)
                outcome = load.burst(size)
                if outcome.lost:
                    raise StackError(f"{outcome.lost} of {size} had no notice")

    def memory(self) -> Measures:
        """Return what each process has in memory once the stack is quiet, and what Redis uses."""
        self.rest(0)
        rss = usage_of(self.settings.data_dir).rss
        with Redis(host=LOOPBACK, port=self.settings.redis_port) as redis:
            used: Any = redis.info("memory")
        found = {name: rss[name] / 1e6 for name in WATCHED} | {"redis": used["used_memory"] / 1e6}
        return {f"memory {name}, MB": size for name, size in found.items()}

    def rest(self, seconds: float) -> None:
        time.sleep(seconds)
        Meter(self.settings, Load(lambda _: None, self.hearing)).settle()

    def _troubles(self) -> Measures:
        """Count the lines that tell of trouble, in what is left of the logs."""
        found = {}
        for what, (process, words) in _TROUBLES.items():
            path = self.stack.log_path(process)
            texts = (one.read_text(errors="replace") for one in path.parent.glob(f"{path.name}*"))
            found[what] = float(sum(text.count(words) for text in texts))
        return found


def steadiness(
    ends: list[float], yardstick: Callable[[float, float], float] = lambda *_: 1.0
) -> float:
    """Return the rate of the last quarter over the second's: 1 for a backlog that drains steadily.

    `ends` are the moments of the notices in order; too few to tell are steady. `yardstick` tells
    how dear the processor was between two moments: a rate is by what could be had for it.
    """
    quarter = len(ends) // 4
    if not quarter:
        return 1.0

    def seconds(begin: float, end: float) -> float:
        return (end - begin) / yardstick(begin, end)

    second, last = seconds(ends[quarter], ends[2 * quarter]), seconds(ends[-1 - quarter], ends[-1])
    return second / last if last else 1.0


@dataclass(frozen=True)
class Stacks:
    """Brings stacks up on fresh data, one at a time."""

    binaries: Binaries
    folder: Path
    ports_beside: int
    idle_seconds: float

    @contextmanager
    def running(self, replicas: int = 1, contender: Contender = USHER) -> Iterator[Running]:
        settings = stack_settings(contender, self.folder, self.ports_beside)
        settings = settings.model_copy(update={"replicas": replicas})
        with (
            running(contender, settings, self.binaries, lambda _: None) as stack,
            Hearing(stack.log_path("notifier")) as hearing,
        ):
            yield Running(settings, stack, hearing, self.idle_seconds)
