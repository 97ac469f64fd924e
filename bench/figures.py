"""The arithmetic: percentiles, medians, ratios to the baseline, and the order of visits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import TypeVar

Item = TypeVar("Item")
Measures = dict[str, float]
MANY = 8


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that `percent` of all values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values, no percentile")
    rank = ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]


def mirrored(items: Sequence[Item], rounds: int) -> Iterator[tuple[int, Item]]:
    """Yield A B C, C B A for each round, each with the number of its pass.

    A machine that slows down steadily then wrongs none of them.
    """
    for number in range(rounds):
        for item in items:
            yield 2 * number, item
        for item in reversed(items):
            yield 2 * number + 1, item


@dataclass(frozen=True)
class Summary:
    """One measure of one contender over all of its visits."""

    median: float
    least: float
    most: float
    ratios: tuple[float, ...] = ()
    """To the baseline's visit of the same pass, where both have the measure."""

    @property
    def ratio(self) -> float | None:
        return median(self.ratios) if self.ratios else None

    @property
    def spread(self) -> tuple[float, float]:
        """Between what the ratios lie: all of them, or the middle half of eight or more."""
        if len(self.ratios) < MANY:
            return min(self.ratios), max(self.ratios)
        return percentile(self.ratios, 25), percentile(self.ratios, 75)


@dataclass(frozen=True)
class Visit:
    """What one contender measured in one pass."""

    contender: str
    number: int
    measures: Measures


def summarise(visits: Sequence[Visit], baseline: str) -> dict[str, dict[str, Summary]]:
    """Return for each contender what its measures come to: `{contender: {measure: …}}`."""
    bases = {visit.number: visit.measures for visit in visits if visit.contender == baseline}
    found: dict[str, dict[str, Summary]] = {}
    for name in dict.fromkeys(visit.contender for visit in visits):
        own = [visit for visit in visits if visit.contender == name]
        measures = dict.fromkeys(measure for visit in own for measure in visit.measures)
        found[name] = {measure: _summary(own, bases, measure) for measure in measures}
    return found


def _summary(own: Sequence[Visit], bases: dict[int, Measures], measure: str) -> Summary:
    having = [visit for visit in own if measure in visit.measures]
    values = [visit.measures[measure] for visit in having]
    ratios = tuple(
        visit.measures[measure] / base
        for visit in having
        if (base := bases.get(visit.number, {}).get(measure))
    )
    return Summary(median(values), min(values), max(values), ratios)
