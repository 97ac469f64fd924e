"""`python -m bench.matching`: what finding the routes of an event costs, against reading the event.

Each round measures every row in turn. A row is shown as its ratio to reading the event, in CPU
time: the median, and the middle half of the rounds.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from contracts.cloudevent import CloudEvent
from contracts.routes.incoming import read_incoming
from contracts.routes.matching import RouteTable
from contracts.routes.route import Route
from contracts.routes.spec import RouteSpec

TOPIC = "orders"
TYPE = "com.example.order.placed-0"
LINES = 10
"""Lines of the order in the event, which is then 1 KB."""
CALLS = 20
"""Calls that are timed together."""


def entry() -> bytes:
    """Return an event as it is on the topic."""
    lines = [{"sku": f"tea-{n}", "count": n, "note": "x" * 40} for n in range(LINES)]
    data = {"order_id": "o-1", "total": 120, "country": "DE", "lines": lines}
    head = {"specversion": "1.0", "id": "placed-1", "source": "/shop", "type": TYPE}
    return json.dumps({**head, "datacontenttype": "application/json", "data": data}).encode()


def table(count: int, *, types: int, when: str | None = None) -> RouteTable:
    """Return so many routes: of so many types in turn, each with a condition of its own."""
    specs = [
        RouteSpec.model_validate(
            {
                "from": TOPIC,
                "type": f"com.example.order.placed-{n % types}",
                "key": "data.order_id",
                "start": f"workflow_{n}",
                "when": when and when.format(n),
            }
        )
        for n in range(count)
    ]
    return RouteTable([Route(f"route-{n}", Path("bench"), spec) for n, spec in enumerate(specs)])


def rows() -> Iterator[tuple[str, RouteTable]]:
    yield "1 route", table(1, types=1)
    yield "50 routes of 50 types", table(50, types=50)
    yield "50 routes of 50 types, a condition each", table(50, types=50, when="data.total > {}")
    yield "50 conditions on one type, one holds", table(50, types=1, when="data.total == {} + 71")
    yield "50 conditions on one type, all hold", table(50, types=1, when="data.total > {}")


def main(rounds: Annotated[int, typer.Option(help="how often each row is measured")] = 40) -> None:
    """Show the cost of each table of routes."""
    raw, measured = entry(), dict[str, list[float]]()
    tables = dict(rows())
    works: dict[str, Callable[[CloudEvent], object]] = {
        name: lambda event, found=found: found.match(TOPIC, event)  # type: ignore[misc]
        for name, found in tables.items()
    }
    for number in range(rounds + 2):
        for name, work in {"reading the event": lambda _: None, **works}.items():
            spent = seconds(raw, work)
            if number > 1:  # the first ones warm up
                measured.setdefault(name, []).append(spent)
    reading = measured.pop("reading the event")
    out = Table("one event", "ratio to reading it", "middle half", "CPU, ms")
    out.add_row("reading the event", "1.00", "", f"{statistics.median(reading) * 1000:.3f}")
    for name, each in measured.items():
        pairs = list(zip(each, reading, strict=True))
        ratios = [(one - read) / read for one, read in pairs]
        low, _, high = statistics.quantiles(ratios, n=4)
        extra = statistics.median(one - read for one, read in pairs)
        out.add_row(
            name,
            f"{statistics.median(ratios):.2f}",
            f"{low:.2f} to {high:.2f}",
            f"{extra * 1000:.3f}",
        )
    Console(width=100).print(out)


def seconds(raw: bytes, work: Callable[[CloudEvent], object]) -> float:
    """Return the CPU time of reading an event and of this work."""
    began = time.thread_time()
    for _ in range(CALLS):
        for event in read_incoming(raw, TOPIC):
            work(event)
    return (time.thread_time() - began) / CALLS


if __name__ == "__main__":
    typer.run(main)
