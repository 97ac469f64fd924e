"""The picture of a timeline: rows of bars, with positions in percent of the width."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from notifier.timeline.chain import TROUBLE, Step

ROWS = 40
"""With more steps than this, those of one kind and name share a row."""
_TROUBLE = (*TROUBLE, "given up", "stalled")
MOST_FAILED = 200
"""How many failed steps are listed in words after the first steps."""
_NARROWEST = 0.6
_SPREAD = 200
"""Long pauses are drawn shorter if the whole is this many times longer than a typical step."""
_SHORTENED = 0.35


@dataclass(frozen=True)
class Bar:
    """One step as drawn: `x` and `width` in percent."""

    x: float
    width: float
    step: Step


@dataclass
class Row:
    """One line of the picture."""

    kind: str
    name: str
    bars: list[Bar] = field(default_factory=list)

    @property
    def trouble(self) -> str:
        """The failures of the row in words, with counts, for readers who cannot see colours."""
        counted = Counter(bar.step.state for bar in self.bars)
        bad = [(state, counted[state]) for state in _TROUBLE if counted[state]]
        if len(self.bars) == 1:
            return bad[0][0] if bad else ""
        return ", ".join(f"{n} {state}" for state, n in bad)

    @property
    def seconds(self) -> float | None:
        """How long at least one step of the row ran; None while one still runs."""
        if any(bar.step.end is None for bar in self.bars):
            return None
        total, reached = 0.0, datetime.min.replace(tzinfo=UTC)
        for begin, end in sorted(
            (bar.step.begin, bar.step.end or bar.step.begin) for bar in self.bars
        ):
            total += max((end - max(begin, reached)).total_seconds(), 0)
            reached = max(reached, end)
        return total


@dataclass(frozen=True)
class Picture:
    """The rows, their time range, and whether long pauses are drawn shorter."""

    rows: list[Row]
    begin: datetime
    end: datetime
    shortened: bool


def draw(steps: Sequence[Step], now: datetime) -> Picture | None:
    """Return the picture of the steps; None without steps. A running step reaches to `now`."""
    if not steps:
        return None
    begin = min(step.begin for step in steps)
    going_on = any(step.end is None for step in steps)
    ends = [step.end or now for step in steps]
    end = max([*ends, now] if going_on else ends)
    moments = sorted({begin, end, *(step.begin for step in steps), *ends})
    places, shortened = _places(moments)
    rows: dict[object, Row] = {}
    for number, step in enumerate(steps):
        x, right = places[step.begin], places[step.end or end]
        width = max(right - x, _NARROWEST)
        key = (step.kind, step.name) if len(steps) > ROWS else number
        row = rows.setdefault(key, Row(step.kind, step.name))
        row.bars.append(Bar(round(min(x, 100 - width), 3), round(width, 3), step))
    for row in rows.values():
        if len(row.bars) > 1:
            row.bars = _over_each_other(row.bars)
    return Picture(list(rows.values()), begin, end, shortened)


def listed(steps: Sequence[Step], first: int) -> list[Step]:
    """Return the steps to list in words: the `first` ones, and failed ones after them."""
    bad = [step for step in steps[first:] if step.state in TROUBLE]
    return [*steps[:first], *bad[:MOST_FAILED]]


def _over_each_other(bars: list[Bar]) -> list[Bar]:
    """Return the bars of a shared row: failed ones last, so on top, as a mark where they ended."""
    fine = [bar for bar in bars if bar.step.state not in _TROUBLE]
    bad = [bar for bar in bars if bar.step.state in _TROUBLE]
    ends = (round(bar.x + bar.width - _NARROWEST, 3) for bar in bad)
    return fine + [Bar(x, _NARROWEST, bar.step) for x, bar in zip(ends, bad, strict=True)]


def _places(moments: Sequence[datetime]) -> tuple[dict[datetime, float], bool]:
    """Return the position of each moment in percent, and whether long pauses were shortened.

    Without that, milliseconds of work beside an hour of waiting would be invisible.
    """
    gaps = [(b - a).total_seconds() for a, b in pairwise(moments)]
    typical = sorted(gaps)[len(gaps) // 2] if gaps else 0
    shortened = sum(gaps) > _SPREAD * typical > 0
    lengths = [gap**_SHORTENED if shortened else gap for gap in gaps]
    whole = sum(lengths) or 1
    places, at = {moments[0]: 0.0}, 0.0
    for moment, length in zip(moments[1:], lengths, strict=True):
        at += length
        places[moment] = 100 * at / whole
    return places, shortened
