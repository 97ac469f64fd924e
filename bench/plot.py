"""Draws a run as an SVG: CPU a workflow by process, and workflows a second, a bar a contender."""

from html import escape
from pathlib import Path

from bench.figures import Summary, summarise
from bench.report import baseline, number
from bench.results import Run

_COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5")
_LEFT, _WIDTH, _BAR, _STEP = 130, 460, 18, 26

Found = dict[str, dict[str, Summary]]


def draw(run: Run, path: Path) -> None:
    """Write the picture of the largest burst that was measured."""
    size = max(run.plan["sizes"])
    found = summarise(run.visits, baseline(run))
    path.write_text(_svg(found, size))


def _svg(found: Found, size: int) -> str:
    prefix, suffix = "cpu ", f" at {size}, ms/workflow"
    parts = {
        name: {
            measure.removeprefix(prefix).removesuffix(suffix): summary.median
            for measure, summary in measures.items()
            if measure.startswith(prefix) and measure.endswith(suffix) and "driver" not in measure
        }
        for name, measures in found.items()
    }
    for measures in parts.values():
        for total in (f"at {size}, ms/workflow", "above idle"):
            measures.pop(total, None)
    labels = sorted({label for measures in parts.values() for label in measures})
    colours = {label: _COLOURS[place % len(_COLOURS)] for place, label in enumerate(labels)}
    rates = {name: {"": one[f"throughput at {size}, /s"].median} for name, one in found.items()}
    lower = 60 + _STEP * len(parts)
    legend = lower + 40 + _STEP * len(parts)
    rows = [
        *_bars(f"CPU a workflow, ms ({size} at once)", parts, colours, 30),
        *_bars(f"workflows a second ({size} at once)", rates, {"": _COLOURS[0]}, lower),
        *_legend(colours, legend),
    ]
    height = legend + 20 * (len(labels) // 4 + 1)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 70}" height="{height}"'
    )
    style = ' font-family="sans-serif" font-size="12" style="background:white">'
    return "\n".join([head + style, *rows, "</svg>\n"])


def _bars(
    title: str, bars: dict[str, dict[str, float]], colours: dict[str, str], top: int
) -> list[str]:
    longest = max((sum(parts.values()) for parts in bars.values()), default=0) or 1
    rows = [_text(_LEFT, top - 8, title, "start", "bold")]
    for line, (name, parts) in enumerate(bars.items()):
        y, x = top + line * _STEP, float(_LEFT)
        rows.append(_text(_LEFT - 8, y + 13, name, "end"))
        for label, value in sorted(parts.items()):
            width = value / longest * _WIDTH
            rows.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}"'
                f' fill="{colours[label]}"><title>{escape(label)} {number(value)}</title></rect>'
            )
            x += width
        rows.append(_text(x + 6, y + 13, number(sum(parts.values())), "start"))
    return rows


def _legend(colours: dict[str, str], top: int) -> list[str]:
    rows = []
    for place, (label, colour) in enumerate(colours.items()):
        x, y = _LEFT + place % 4 * 130, top + place // 4 * 20
        rows.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour}"/>')
        rows.append(_text(x + 18, y, label, "start"))
    return rows


def _text(x: float, y: float, words: str, anchor: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )
