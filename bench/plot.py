"""Draws a run as an SVG: CPU a workflow by process, and workflows a second, a bar a contender."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.figures import Summary, summarise
from bench.report import baseline, number
from bench.results import Run

COLOURS = (*mpl.color_sequences["Set2"], *mpl.color_sequences["Set3"])
NARROW = 0.06
"""A part of a bar with less than this share of the axis has no room for its figure."""

Bars = Mapping[str, Mapping[str, float]]
"""Contender → part of its bar → how long it is."""


def draw(run: Run, path: Path) -> None:
    """Write the picture of the largest burst that was measured."""
    size = max(run.plan["sizes"])
    found = summarise(run.visits, baseline(run))
    processes = {name: _cpu_by_process(measures, size) for name, measures in found.items()}
    rates = {name: {"": one[f"throughput at {size}, /s"].median} for name, one in found.items()}
    # White behind it, so that it reads on a dark page too; the same run makes the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bench"}):
        figure = Figure(figsize=(9, 1.8 + 0.6 * len(found)), layout="constrained", facecolor="w")
        cpu, throughput = figure.subplots(2)
        _draw(cpu, f"CPU a workflow, ms ({size} at once)", processes)
        _draw(throughput, f"workflows a second ({size} at once)", rates)
        figure.legend(*cpu.get_legend_handles_labels(), loc="outside lower center", ncols=4)
        figure.savefig(path, metadata={"Date": None})


def _cpu_by_process(measures: Mapping[str, Summary], size: int) -> dict[str, float]:
    prefix, suffix = "cpu ", f" at {size}, ms/workflow"
    found = {
        measure.removeprefix(prefix).removesuffix(suffix): summary.median
        for measure, summary in measures.items()
        if measure.startswith(prefix) and measure.endswith(suffix)
    }
    totals = {f"at {size}, ms/workflow", "above idle", "driver"}
    return {label: value for label, value in found.items() if label not in totals}


def _draw(axes: Axes, title: str, bars: Bars) -> None:
    names = list(bars)
    ends = dict.fromkeys(names, 0.0)
    longest = max((sum(parts.values()) for parts in bars.values()), default=0) or 1
    labels = sorted({label for parts in bars.values() for label in parts})
    for label, colour in zip(labels, COLOURS, strict=False):
        lengths = [bars[name].get(label, 0) for name in names]
        drawn = axes.barh(names, lengths, left=list(ends.values()), color=colour, label=label)
        figures = [number(one) if label and one > NARROW * longest else "" for one in lengths]
        axes.bar_label(drawn, figures, label_type="center")
        ends = {name: ends[name] + one for name, one in zip(names, lengths, strict=True)}
    axes.bar_label(drawn, [number(end) for end in ends.values()], padding=4)
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlim(0, 1.08 * longest)
    axes.invert_yaxis()  # the first contender on top
