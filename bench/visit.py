"""One visit: a contender's stack from empty to stopped, and everything measured on the way."""

import time
from collections import Counter
from dataclasses import dataclass

from bench.counts import calls, sizes
from bench.figures import Measures, percentile
from bench.load import Load, Outcome
from bench.usage import Usage, own_cpu, usage_of
from bench.yardstick import Yardstick, measuring
from usher.stack.settings import StackSettings

DRIVER = "driver"
IDLE = "idle cpu, ms/s"
QUIET_CORES = 0.12
"""A stack that uses less than this over half a second has no work left."""


@dataclass(frozen=True)
class Plan:
    """What is measured in each visit; each number bounds the time it takes."""

    sizes: tuple[int, ...]
    """How many at once, one burst after the other."""
    singles: int
    """How many one at a time."""
    steady_seconds: float
    """How long at half load."""
    idle_seconds: float
    """How long with nothing to do."""
    warm_up: int = 100
    """How many before anything is measured."""


QUICK = Plan(sizes=(200,), singles=50, steady_seconds=5, idle_seconds=5)
FULL = Plan(sizes=(200, 1000, 5000), singles=200, steady_seconds=30, idle_seconds=30)
TURN = Plan(sizes=(200, 1000), singles=25, steady_seconds=3, idle_seconds=10)


class Meter:
    """Measures one running stack."""

    yardstick: Yardstick
    """Of the last burst."""

    def __init__(self, settings: StackSettings, load: Load, on_dapr: bool = True) -> None:
        self._settings = settings
        self._on_dapr = on_dapr
        self._load = load
        self.measures: Measures = {}

    def prepare(self, plan: Plan) -> None:
        """Warm the stack up, and see what it uses by itself."""
        self._load.burst(plan.warm_up)
        self.settle()
        self.idle(plan.idle_seconds)

    def measure(self, plan: Plan, rate: float | None) -> Measures:
        """Carry the plan out. `rate` is half load; None makes it half of what is measured here."""
        self._latencies("one at a time", self._load.one_at_a_time(plan.singles))
        for size in plan.sizes[:1]:
            self.burst(size)
        half = rate or self.measures[f"throughput at {plan.sizes[0]}, /s"] / 2
        self.measures["half load, /s"] = half
        self._latencies("at half load", self._load.steady(half, plan.steady_seconds))
        for size in plan.sizes[1:]:
            self.burst(size)
        for name, size_in_bytes in usage_of(self._settings.data_dir).rss.items():
            self.measures[f"memory {name}, MB"] = size_in_bytes / 1e6
        return dict(self.measures)

    def burst(self, size: int) -> Outcome:
        """Measure so many at once, and what they cost; `idle` comes before."""
        begun = time.monotonic()
        before, driver, counted = self._usage(), own_cpu(), self._calls()
        kept = sizes(self._settings)
        with measuring() as self.yardstick:
            outcome = self._load.burst(size)
        driver = own_cpu() - driver
        after, seconds = self.settle(), time.monotonic() - begun
        self.measures[f"yardstick at {size}, ms"] = self.yardstick.mean
        self._judge(f"at {size}", outcome)
        self.measures[f"throughput at {size}, /s"] = outcome.throughput
        if outcome.lost:
            return outcome  # what was used while we waited in vain is not a workflow's price
        used = after.since(before)
        for name, spent in {**used, DRIVER: driver}.items():
            self.measures[f"cpu {name} at {size}, ms/workflow"] = spent * 1000 / size
        total = sum(used.values()) * 1000
        self.measures[f"cpu at {size}, ms/workflow"] = total / size
        self.measures[f"cpu at {size}, yardsticks/workflow"] = total / size / self.yardstick.mean
        above = total - self.measures[IDLE] * seconds
        self.measures[f"cpu above idle at {size}, ms/workflow"] = above / size
        self._count(self._calls() - counted, size)
        for name, number in sizes(self._settings).items():
            self.measures[f"bytes redis {name} at {size}, /workflow"] = (number - kept[name]) / size
        return outcome

    def _count(self, counted: Counter[str], size: int) -> None:
        for name, number in counted.items():
            if number * 10 >= size:  # what is rarer belongs to the clock, not to the workflow
                self.measures[f"calls {name} at {size}, /workflow"] = number / size
        for whose in ("redis", "sidecar", "scheduler") if self._on_dapr else ("redis",):
            number = sum(n for name, n in counted.items() if name.startswith(whose))
            self.measures[f"calls {whose} at {size}, /workflow"] = number / size

    def idle(self, seconds: float) -> None:
        """Measure what the stack uses with nothing to do."""
        before = self._usage()
        time.sleep(seconds)
        used = self._usage().since(before)
        self.measures[IDLE] = sum(used.values()) * 1000 / seconds

    def _latencies(self, when: str, outcome: Outcome) -> None:
        self._judge(when, outcome)
        for percent in (50, 95, 99):
            value = percentile(outcome.latencies, percent) * 1000
            self.measures[f"p{percent} {when}, ms"] = value

    def _judge(self, when: str, outcome: Outcome) -> None:
        self.measures[f"lost {when}"] = outcome.lost
        self.measures[f"doubled {when}"] = outcome.doubled

    def _calls(self) -> Counter[str]:
        return calls(self._settings, self._on_dapr)

    def _usage(self) -> Usage:
        return usage_of(self._settings.data_dir)

    def settle(self, seconds: float = 10, every: float = 0.5) -> Usage:
        """Wait until what follows a notice is done as well: acknowledgements, last writes."""
        now = self._usage()
        for _ in range(int(seconds / every)):
            time.sleep(every)
            before, now = now, self._usage()
            if sum(now.since(before).values()) < QUIET_CORES * every:
                break
        return now
