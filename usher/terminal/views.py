"""How the command line shows an answer to people; `--json` shows the answer itself.

Every command imports this module, so what draws is imported once something is to be drawn.
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from contracts import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from usher.demo import DemoResult

Document = Mapping[str, Any]


def words(line: str) -> "Text":
    """A line as it is."""
    from rich.text import Text

    return Text(line)


def pairs(entries: Document) -> "Text":
    """Lines of `name  value`, aligned; what is not text is shown as JSON."""
    from rich.text import Text

    width = max(map(len, entries), default=0)
    lines = []
    for name, value in entries.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines.append(Text.assemble((f"{name:<{width}}  ", "bold"), printable.one_line(shown)))
    return Text("\n").join(lines)


def accepted(answer: Document) -> "RenderableType":
    """What the broker has now, and where to look next."""
    from rich.text import Text

    look = Text(f"usher status {shlex.quote(str(answer.get('instance_id')))}", style="dim")
    return Text("\n").join([pairs(answer), look])


def instance(answer: Document) -> "RenderableType":
    """One instance, without what it does not have."""
    return pairs({name: value for name, value in answer.items() if value is not None})


def stalled(row: Document) -> str | None:
    """Why an instance is stalled, and since when; None where it is not."""
    why = row.get("stalled")
    return f"since {why['since']}: {why['message']}" if why else None


def table(rows: Iterable[Document], columns: tuple[str, ...], title: str = "") -> "RenderableType":
    """A row each, of the named columns; what a row lacks is left empty."""
    from usher.terminal.rows import Rows

    cells = [["" if (v := row.get(name)) is None else _cell(v) for name in columns] for row in rows]
    return Rows(columns, cells, title)


def _cell(value: Any) -> str:
    """Return a value as text for one line of a table."""
    return printable.one_line(str(value))


def workflows(items: Iterable[Document]) -> "RenderableType":
    """One row a workflow: its name, an input to try, what it does."""
    from usher.terminal.rows import Rows

    rows = [
        [
            _cell(item.get("name")),
            _cell(json.dumps(item.get("example"), ensure_ascii=False)),
            _cell(str(item.get("description") or "").partition("\n")[0]),
        ]
        for item in items
    ]
    return Rows(("workflow", "example input", "what it does"), rows)


def demo_result(found: "DemoResult") -> "RenderableType":
    """What `/notices` and `/dead-letters` hold, as they are; and what is wrong with it."""
    from rich.console import Group
    from rich.json import JSON
    from rich.text import Text

    wrong = [f"missing: {name}" for name in found.missing]
    wrong += [f"too much: {name}" for name in found.too_much]
    return Group(
        Text("GET /notices", style="bold"),
        JSON.from_data(found.notices),
        Text("GET /dead-letters", style="bold"),
        JSON.from_data(found.dead_letters),
        *(Text(line, style="bold red") for line in wrong),
    )
