"""What a run of the benchmark leaves: a file, a table, a picture."""

from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from bench import plot, report, results
from bench.contenders import chosen
from bench.figures import Visit
from bench.machine import Description
from bench.visit import QUICK

MEASURES = {
    "throughput at 200, /s": 50.0,
    "p50 one at a time, ms": 30.0,
    "cpu at 200, ms/workflow": 30.0,
    "cpu above idle at 200, ms/workflow": 29.0,
    "cpu redis at 200, ms/workflow": 10.0,
    "cpu worker & more at 200, ms/workflow": 20.0,
    "cpu driver at 200, ms/workflow": 1.0,
    "calls redis at 200, /workflow": 150.0,
    "calls redis hget at 200, /workflow": 60.0,
    "lost at 200": 0.0,
}


@pytest.fixture
def run() -> results.Run:
    faster = {name: value / 3 for name, value in MEASURES.items()}
    visits = [Visit("plain", 0, MEASURES), Visit("usher", 0, faster)]
    machine: Description = {"processor": "a small one", "cores": 2}
    return results.run_of("a busy day", machine, QUICK, chosen(["plain", "usher"]), visits)


def shown(run: results.Run) -> str:
    out = StringIO()
    report.show(run, Console(file=out, width=200))
    return out.getvalue()


def test_a_run_is_kept_and_read_again(run: results.Run, tmp_path: Path) -> None:
    path = results.save(run, "unit", tmp_path)
    assert path.name == f"{run.taken}-unit.json"
    again = results.load(path)
    assert again.machine == run.machine
    assert again.visits[0] == run.visits[0]
    assert again.visits[1].measures["cpu redis at 200, ms/workflow"] == 3.3333


def test_the_table_has_each_measure_with_its_ratio_to_plain(run: results.Run) -> None:
    text = shown(run)
    row = next(line for line in text.splitlines() if "throughput at 200" in line)
    assert "50" in row
    assert "16.7  0.33x (0.33 to 0.33)" in row


def test_the_table_says_on_what_how_busy_and_how_durable(run: results.Run) -> None:
    text = shown(run)
    for said in ("a small one", "a busy day", "fsync every second", "may start twice"):
        assert said in text


def test_the_table_leaves_single_calls_to_the_file(run: results.Run) -> None:
    assert "calls redis at 200" in shown(run)
    assert "hget" not in shown(run)


def test_a_total_comes_before_its_parts(run: results.Run) -> None:
    text = shown(run)
    assert text.index("cpu at 200") < text.index("cpu redis at 200")
    assert text.index("throughput") < text.index("p50") < text.index("cpu") < text.index("lost")


def test_the_picture_shows_each_process_and_the_totals(run: results.Run, tmp_path: Path) -> None:
    plot.draw(run, tmp_path / "run.svg")
    drawn = ElementTree.parse(tmp_path / "run.svg").getroot()
    shown = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    for process in ("redis", "worker & more"):
        assert shown.count(process) == 1
    for figure in ("10", "20", "30", "3.33", "6.67", "50", "16.7"):  # parts, totals, throughput
        assert figure in shown
    assert not {"driver", "above idle"} & set(shown)


def test_the_same_run_makes_the_same_picture(run: results.Run, tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        plot.draw(run, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1234.5, "1234"), (12.345, "12.3"), (0.01234, "0.0123"), (3, "3")]
)
def test_a_figure_has_three_digits(value: float, text: str) -> None:
    assert report.number(value) == text
