"""From a seed to a storm: what is published in which order, what is struck after which count.

Nothing here knows a clock. The same seed and size make the same storm, on any machine.
"""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Literal

from tests.chaos.cast import Publication, Run, performance, poison

IN_FLIGHT = 50
"""Accepted and not announced yet: so many there are at least whenever a process is struck."""
WINDOW = 80
"""So many at most, but while a service is kept away."""
FIRST_BLOW = 10
KEPT_OF = 8
"""One request of so many is kept for the time in which a service is away."""
DUPLICATED = 0.10
POISONED = 0.05
TARGETS = (
    "orchestrator",
    "orchestrator-daprd",
    "notifier",
    "scheduler",
    "placement",
    "redis",
    "notifier-daprd",
    "starter-daprd",
    "starter",
)
"""What is killed, once each in every round; a short storm may take the first of them."""


@dataclass(frozen=True)
class Blow:
    """SIGKILL for a process once so many runs were seen to start, or to be announced."""

    target: str
    on: Literal["start", "notice"]
    count: int
    away_seconds: int = 0
    """Not killed but stopped, and started again after so long."""


@dataclass(frozen=True)
class Plan:
    """One storm."""

    seed: int
    requests: int
    replicas: int
    publications: tuple[Publication, ...]
    """In order; a copy is there again."""
    blows: tuple[Blow, ...]
    kept_for_absence: int
    """How many requests may be published beyond the window while a service is kept away."""

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        return tuple(dict.fromkeys(p.run for p in self.publications if p.run))

    @cached_property
    def distinct(self) -> dict[str, Publication]:
        return {publication.mark: publication for publication in self.publications}

    @cached_property
    def copies(self) -> Counter[str]:
        """How often each is published."""
        return Counter(publication.mark for publication in self.publications)


def least_requests(away_seconds: int, blows: int) -> int:
    """Return how many requests a storm needs, so that each blow has enough in flight."""
    smallest = FIRST_BLOW + blows + WINDOW + WINDOW
    return smallest * KEPT_OF // (KEPT_OF - 1) + 1 if away_seconds else smallest


def last_blow(requests: int, kept: int) -> int:
    """Return the last count after which a blow is sure to find `IN_FLIGHT` runs in flight.

    A look at the counts may come late, and see any number of notices at once, but never more than
    was in flight at the look before, as none begin while a door is closed. So after a blow's count
    no more than this has been announced when the blow falls, and what is left to publish fills the
    whole window again: more than `IN_FLIGHT`, since some runs end while others are published.
    """
    return requests - WINDOW - kept - WINDOW


def plan(
    seed: int,
    requests: int,
    *,
    replicas: int = 1,
    away_seconds: int = 0,
    targets: tuple[str, ...] = TARGETS,
) -> Plan:
    """Return the storm of a seed; raise ValueError where it would be too small for its blows."""
    dice = Random(f"{seed}-{requests}")
    rounds = max(1, requests // 600)
    needed = least_requests(away_seconds, rounds * (len(targets) + 2 * (replicas - 1)) + 1)
    if requests < needed:
        raise ValueError(f"a storm that keeps {IN_FLIGHT} in flight needs {needed} requests")
    kept = requests // KEPT_OF if away_seconds else 0
    publications = _publications(seed, requests, dice)
    struck = [target for _ in range(rounds) for target in _shuffled(targets, replicas, dice)]
    blows = [Blow(target, dice.choice(["start", "notice"]), 0) for target in struck]
    if away_seconds:
        absence = Blow("orchestrator", "notice", 0, away_seconds)
        blows.insert(dice.randint(0, len(blows)), absence)
    blows = _spread(blows, last_blow(requests, kept), dice)
    return Plan(seed, requests, replicas, tuple(publications), tuple(blows), kept)


def _publications(seed: int, requests: int, dice: Random) -> list[Publication]:
    placed: list[tuple[float, Publication]] = []
    for n in range(requests):
        for later, publication in performance(f"s{seed}-{n}", dice):
            placed.append((n + later, publication))
    for nth in range(max(1, round(len(placed) * POISONED))):
        placed.append((dice.uniform(0, requests), poison(f"s{seed}-poison-{nth}", nth)))
    for position, publication in dice.sample(placed, round(len(placed) * DUPLICATED)):
        placed.append((position + dice.uniform(0, 30), publication))
    return [publication for _, publication in sorted(placed, key=lambda pair: pair[0])]


def _spread(blows: list[Blow], last: int, dice: Random) -> list[Blow]:
    """Give each blow its count: somewhere in a stretch of its own, so that they come apart."""
    stretch = (last - FIRST_BLOW) / len(blows)
    begins = [FIRST_BLOW + n * stretch for n in range(len(blows))]
    counts = [int(dice.uniform(begin, begin + stretch)) for begin in begins]
    return [replace(blow, count=count) for blow, count in zip(blows, counts, strict=True)]


def _shuffled(targets: tuple[str, ...], replicas: int, dice: Random) -> list[str]:
    more = [f"orchestrator-{n}" for n in range(2, replicas + 1)]
    found = [*targets, *more, *(f"{name}-daprd" for name in more)]
    dice.shuffle(found)
    return found
