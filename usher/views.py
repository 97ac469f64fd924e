"""How the command line shows an answer to people; `--json` shows the answer itself."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.json import JSON
from rich.table import Table
from rich.text import Text

from usher.expected import Verdict
from usher.stack.settings import StackSettings

Document = Mapping[str, Any]


def pairs(entries: Document) -> Text:
    """Lines of `name  value`, aligned; what is not text is shown as JSON."""
    width = max(map(len, entries), default=0)
    lines = []
    for name, value in entries.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines.append(Text.assemble((f"{name:<{width}}  ", "bold"), shown))
    return Text("\n").join(lines)


def accepted(answer: Document) -> RenderableType:
    """What the broker has now, and where to look next."""
    look = Text(f"usher status {answer.get('instance_id')}", style="dim")
    return Text("\n").join([pairs(answer), look])


def instance(answer: Document) -> RenderableType:
    """One instance, without what it does not have."""
    return pairs({name: value for name, value in answer.items() if value is not None})


def table(rows: Iterable[Document], columns: tuple[str, ...], title: str = "") -> Table:
    """A row each, of the named columns; what a row lacks is left empty."""
    shown = Table(*columns, box=None, title=title or None, title_justify="left")
    for row in rows:
        values = (row.get(column) for column in columns)
        shown.add_row(*(Text("" if value is None else str(value)) for value in values))
    return shown


def workflows(items: Iterable[Document]) -> RenderableType:
    """One line a workflow: its name, an input to try, what it does."""
    table = Table("workflow", "example input", "what it does", box=None, pad_edge=False)
    for item in items:
        example = json.dumps(item.get("example"), ensure_ascii=False)
        purpose = str(item.get("description") or "").partition("\n")[0]
        table.add_row(*map(Text, (str(item.get("name")), example, purpose)))
    return table


def verdict(found: Verdict) -> RenderableType:
    """What `/notices` and `/dead-letters` hold, as they are; and what is wrong with it."""
    wrong = [f"missing: {name}" for name in found.missing]
    wrong += [f"too much: {name}" for name in found.too_much]
    return Group(
        Text("GET /notices", style="bold"),
        JSON.from_data(found.notices),
        Text("GET /dead-letters", style="bold"),
        JSON.from_data(found.dead_letters),
        *(Text(line, style="bold red") for line in wrong),
    )


def places(settings: StackSettings) -> dict[str, str]:
    """Where the embedded stack can be looked at."""
    return {
        "publish": f"{settings.url('starter')}/docs",
        "workflows": f"{settings.url('orchestrator')}/workflows",
        "notices": f"{settings.url('notifier')}/notices",
        "dead letters": f"{settings.url('notifier')}/dead-letters",
        "data and logs": str(settings.data_dir),
    }
