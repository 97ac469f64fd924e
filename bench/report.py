"""Shows a run as one table: a row a measure, a column a contender, ratios to plain beside."""

import re
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.contenders import PLAIN
from bench.figures import Summary, summarise
from bench.results import Run


def baseline(run: Run) -> str:
    """Return what the others are held against: plain, or the first where plain took no part."""
    names = list(run.contenders)
    return PLAIN if PLAIN in names else names[0]


def show(run: Run, console: Console) -> None:
    """Print the machine, the table and what each contender is."""
    console.print(_page(run))


def _page(run: Run) -> RenderableType:
    machine = ", ".join(f"{name} {value}" for name, value in run.machine.items())
    lines = [f"{run.taken} · {machine}"] + ([run.remark] if run.remark else [])
    base = baseline(run)
    said = [f"{name}: {one['is']}. {one['delivery']}." for name, one in run.contenders.items()]
    kept: dict[str, list[str]] = {}
    for name, one in run.contenders.items():
        kept.setdefault(one["stores"], []).append(name)
    stores = [f"{', '.join(names)}: {what}." for what, names in kept.items()]
    note = (
        f"Each cell: the median of all visits, then the median ratio to {base} in the same pass"
        " and, in brackets, the least and the most of it, or the middle half of eight and more."
        " MB and ms are smaller when better."
        " The driver, which sends and listens, is in no row but its own. A yardstick is the same"
        " small piece of work, timed over and over meanwhile: on a shared machine it is the unit."
    )
    return Group(
        *map(Text, lines), _table(run, base), Text(note), *map(Text, said), *map(Text, stores)
    )


def _table(run: Run, base: str) -> Table:
    summaries = summarise(run.visits, base)
    table = Table(title="Usher beside the plain wiring and the bare engine")
    table.add_column("measure")
    for name in summaries:
        table.add_column(name, justify="right")
    section = ""
    measures = {measure for found in summaries.values() for measure in found}
    for measure in _in_order(filter(lambda one: _shown(one, max(run.plan["sizes"])), measures)):
        if section and _section(measure) != section:
            table.add_section()
        section = _section(measure)
        cells = (_cell(found.get(measure), name != base) for name, found in summaries.items())
        table.add_row(measure, *cells)
    return table


_SECTIONS = (
    "throughput",
    "p",
    "half",
    "cpu",
    "yardstick",
    "idle",
    "memory",
    "calls",
    "bytes",
    "lost",
    "doubled",
)


def _section(measure: str) -> str:
    word = measure.split()[0]
    return "p" if re.fullmatch(r"p\d+", word) else word


def _in_order(measures: Iterable[str]) -> list[str]:
    """Sort by section, then by load, the total of a load before its parts."""

    def place(measure: str) -> tuple[int, str, int, str]:
        at = re.search(r" at (\d+|half load)", measure)
        load = at[1].rjust(9) if at else ""
        return (_SECTIONS.index(_section(measure)), load, measure.count(" "), measure)

    return sorted(measures, key=place)


def _shown(measure: str, largest: int) -> bool:
    """Tell what is for the table; which call it was, and each process in each burst, is not."""
    if measure.startswith("calls "):
        return re.match(r"calls \w+ at", measure) is not None
    by_process = re.match(r"cpu \S+ at (\d+)", measure)
    return not by_process or by_process[1] == str(largest)


def _cell(summary: Summary | None, compared: bool) -> str:
    if summary is None:
        return ""
    text = number(summary.median)
    if compared and summary.ratio is not None:
        least, most = summary.spread
        text += f"  {summary.ratio:.2f}x ({least:.2f} to {most:.2f})"
    return text


def number(value: float) -> str:
    """Write a figure with as many digits as it is worth: three."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"
