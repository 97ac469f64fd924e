"""`python -m bench.growth`: measure how cost grows, show the table, keep the figures."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from filelock import FileLock, Timeout
from rich.console import Console
from rich.table import Table

from bench import machine
from bench.growth.cases import CASES, SMALL, Row, Sizes
from bench.growth.stack import STEADY, WATCHED, Stacks
from bench.report import number
from bench.results import FOLDER, rounded
from bench.stacks import find_binaries
from usher.stack.errors import SetupError, StackError
from usher.terminal.interrupts import interruptible

BUILD = Path(__file__).parents[2] / "build" / "bench"
SHOWN = {
    "throughput, /s": "workflows /s",
    "cpu, yardsticks/workflow": "yardsticks /workflow",
    "cpu, ms/workflow": "cpu ms /workflow",
    "cpu, yardsticks of each activity": "yardsticks /activity",
    "idle cpu, ms/s": "idle cpu ms/s",
    "calls redis, /workflow": "redis /workflow",
    "calls sidecar, /workflow": "sidecar /workflow",
    "lost": "lost",
    "doubled": "doubled",
    "deliveries asked for again": "asked again",
    "app found un-healthy": "un-healthy",
    "deadlines exceeded": "deadlines",
    STEADY: "steady",
    **{f"memory {name}, MB": f"MB {name}" for name in (*WATCHED, "redis")},
}


def main(
    quick: Annotated[bool, typer.Option(help="small sizes, to see that it works")] = False,
    only: Annotated[str, typer.Option(help=f"of {', '.join(CASES)}, by commas")] = "",
    name: Annotated[str, typer.Option(help="kept as bench/results/<date>-NAME.json")] = "growth",
    remark: Annotated[str, typer.Option(help="kept with it, such as how quiet it was")] = "",
    ports_beside: Annotated[
        int, typer.Option(help="how far its ports are from the defaults")
    ] = 2000,
) -> None:
    """Measure Usher against more and more of something; wants a quiet machine and an hour."""
    out, err = Console(width=200), Console(stderr=True, soft_wrap=True)
    wanted = only.split(",") if only else list(CASES)
    if unknown := set(wanted) - set(CASES):
        raise typer.BadParameter(f"no such case: {', '.join(sorted(unknown))}")
    BUILD.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    try:
        with interruptible(), FileLock(BUILD / "lock", timeout=0):
            binaries = find_binaries(err.print)
            described = machine.describe(binaries)
            stacks = Stacks(binaries, BUILD, ports_beside, 2 if quick else 10)
            for case in wanted:
                for row in CASES[case](stacks, SMALL if quick else Sizes()):
                    err.print(f"{row.amount} {row.against}: measured")
                    rows.append(row)
    except (StackError, SetupError) as error:
        sys.exit(str(error))
    except Timeout:
        sys.exit("another bench runs in this checkout")
    except KeyboardInterrupt:
        sys.exit(130)
    taken = datetime.now(UTC).date().isoformat()
    path = FOLDER / f"{taken}-{name}.json"
    found = {"taken": taken, "remark": remark, "machine": described}
    document = rounded({**found, "rows": [asdict(row) for row in rows]})
    path.write_text(json.dumps(document, indent=1) + "\n")
    out.print(table(rows))
    err.print(f"kept in {path}")


def table(rows: Sequence[Row]) -> Table:
    """Return a row for each amount; `steady` is the last quarter's rate to the second's."""
    measured = [one for one in SHOWN if any(one in row.measures for row in rows)]
    shown = Table()
    shown.add_column("against", no_wrap=True)
    for title in ("amount", *(SHOWN[one] for one in measured)):
        shown.add_column(title, justify="right")
    for against, group in groupby(rows, key=lambda row: row.against):
        for row in group:
            cells = (number(row.measures[one]) if one in row.measures else "" for one in measured)
            shown.add_row(against, str(row.amount), *cells)
        shown.add_section()
    return shown


if __name__ == "__main__":
    typer.run(main)
