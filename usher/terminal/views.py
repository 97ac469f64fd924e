"""Shows an answer to people; `--json` prints the answer itself.

Every command imports this module, so each function imports `rich` itself, which is slow to import.
"""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from contracts import printable

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import RenderableType
    from rich.text import Text

    from contracts.http import Accepted, Instance, Workflow
    from usher.demo import DemoResult

Document = Mapping[str, Any]
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def as_it_came(answer: "BaseModel") -> dict[str, Any]:
    """Return the members that an answer came with, as JSON."""
    return answer.model_dump(mode="json", exclude_unset=True)


def words(line: str) -> "Text":
    """Return a line without markup."""
    from rich.text import Text

    return Text(line)


def pairs(fields: Document) -> "Text":
    """Return aligned lines of `name  value`. Values that are not text are shown as JSON."""
    from rich.text import Text

    width = max(map(len, fields), default=0)
    lines = []
    for name, value in fields.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines.append(Text.assemble((f"{name:<{width}}  ", "bold"), printable.one_line(shown)))
    return Text("\n").join(lines)


def accepted(answer: "Accepted", source: str | None = None) -> "RenderableType":
    """What the broker has now, and where to look next.

    `source` is that of an event of routes, if it is not the command line's own.
    """
    from rich.text import Text

    if answer.instance_id is None:
        look = ["trace", answer.event_id, *(("--source", source) if source else ())]
    else:
        look = ["status", answer.instance_id]
    return Text("\n").join([pairs(present(answer)), Text(f"usher {shlex.join(look)}", style="dim")])


def present(answer: "BaseModel") -> dict[str, Any]:
    """Return the members of an answer that are not null."""
    return {name: value for name, value in as_it_came(answer).items() if value is not None}


def stalled(run: "Instance") -> str | None:
    """Why an instance is stalled, and since when; None where it is not."""
    return f"since {_cell(run.stalled.since)}: {run.stalled.message}" if run.stalled else None


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "", empty: str = ""
) -> "RenderableType":
    """A row each, with a value for each column; what a row lacks is left empty.

    Without rows, `empty` is shown in place of a table.
    """
    from usher.terminal.rows import Rows

    rows = list(rows)
    if empty and not rows:
        return words(empty)
    cells = [["" if value is None else _cell(value) for value in row] for row in rows]
    return Rows(columns, cells, title)


def filled_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "", empty: str = ""
) -> "RenderableType":
    """Return a table without the columns in which no row has a value."""
    filled = [n for n in range(len(columns)) if any(row[n] is not None for row in rows)]
    shown = [[row[n] for n in filled] for row in rows]
    return table([columns[n] for n in filled], shown, title, empty)


def when(moment: datetime | None, exact: bool, now: datetime | None = None) -> str | None:
    """Return a time as people say it, `3 min ago` or `in 2 h`, or to the second if `exact`."""
    if moment is None or exact:
        return None if moment is None else _cell(moment)
    seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    unit, name = next((u, n) for u, n in _UNITS if abs(seconds) >= u or u == 1)
    number = f"{abs(seconds) // unit:.0f} {name}"
    return f"in {number}" if seconds > 0 else f"{number} ago"


def _cell(value: Any) -> str:
    """Return a value as text for one line of a table; a time without fractions of seconds."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return printable.one_line(str(value))


def workflows(items: Iterable["Workflow"]) -> "RenderableType":
    """One row a workflow: its name, an input to try, what it does."""
    rows = [
        (one.name, json.dumps(one.example, ensure_ascii=False), one.description.partition("\n")[0])
        for one in items
    ]
    return table(("workflow", "example input", "what it does"), rows)


def demo_result(found: "DemoResult") -> "RenderableType":
    """Return the answers of `/notices` and `/dead-letters`, and what is wrong with them."""
    from rich.console import Group
    from rich.json import JSON
    from rich.text import Text

    wrong = [f"missing: {name}" for name in found.missing]
    wrong += [f"too much: {name}" for name in found.too_much]
    return Group(
        Text("GET /notices", style="bold"),
        JSON.from_data(found.notices, default=as_it_came),
        Text("GET /dead-letters", style="bold"),
        JSON.from_data(found.dead_letters, default=as_it_came),
        *(Text(line, style="bold red") for line in wrong),
    )
