"""How cost grows: what is told of a burst, and the table of it."""

from io import StringIO

from rich.console import Console

from bench.growth.__main__ import table
from bench.growth.cases import Row
from bench.growth.stack import steadiness


def test_a_backlog_that_drains_evenly_is_steady() -> None:
    assert steadiness([float(n) for n in range(100)]) == 1.0


def test_a_backlog_that_slows_down_is_told_by_how_much() -> None:
    ends = [float(n) for n in range(75)] + [74 + 2.0 * n for n in range(1, 26)]
    assert steadiness(ends) == 0.5


def test_a_backlog_that_slows_down_as_the_processor_does_is_steady() -> None:
    ends = [float(n) for n in range(75)] + [74 + 2.0 * n for n in range(1, 26)]
    assert steadiness(ends, lambda begin, _: 2.0 if begin >= 74 else 1.0) == 1.0


def test_too_few_to_tell_are_steady() -> None:
    assert steadiness([]) == steadiness([1.0, 2.0]) == steadiness([1.0] * 8) == 1.0


def test_the_table_has_a_row_for_each_amount_and_leaves_out_what_was_not_measured() -> None:
    rows = [
        Row("instances waiting", 0, {"throughput, /s": 41.0}),
        Row("instances waiting", 10_000, {"throughput, /s": 40.0, "lost": 3.0}),
    ]
    out = StringIO()
    Console(file=out, width=200).print(table(rows))
    before, after = (line for line in out.getvalue().splitlines() if "instances waiting" in line)
    assert "41" in before
    assert all(word in after for word in ("10000", "40", "3"))
