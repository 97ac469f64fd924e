"""Shows rows as a table if they fit on the screen, else as blocks. Nothing is cut off."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

_PROSE = frozenset(
    (
        "message",
        "note",
        "what it does",
        "example input",
        "custom_status",
        "missing",
        "matches",
        "why",
    )
)
"""Columns whose text may be folded. Ids and times are not, so that people can copy them."""
_LEAST = 20
"""The smallest width of a folded column, unless its text is shorter."""
_GAP = 2


class Rows:
    """A table of text."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = ""):
        self._columns = columns
        self._rows = rows
        self._title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._title:
            yield Text(self._title, style="italic")
        widths = [
            max(len(name), *(len(row[n]) for row in self._rows), 0)
            for n, name in enumerate(self._columns)
        ]
        least = [
            min(width, _LEAST) if name in _PROSE else width
            for name, width in zip(self._columns, widths, strict=True)
        ]
        if sum(least) + _GAP * (len(least) - 1) <= options.max_width:
            yield self._table(least)
        else:
            yield from self._blocks()

    def _table(self, least: Sequence[int]) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
        for name, width in zip(self._columns, least, strict=True):
            table.add_column(name, min_width=width, no_wrap=name not in _PROSE, overflow="fold")
        for row in self._rows:
            table.add_row(*map(Text, row))
        return table

    def _blocks(self) -> RenderResult:
        width = max(map(len, self._columns))
        for n, row in enumerate(self._rows):
            if n:
                yield Text()
            for name, cell in zip(self._columns, row, strict=True):
                if cell:
                    yield Text.assemble((f"{name:<{width}}  ", "bold"), cell, overflow="fold")
