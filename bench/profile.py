"""`python -m bench.profile`: where the CPU of one process of one contender goes, by py-spy.

py-spy is fetched by uv when it is wanted; it is in no lock. It has to be allowed to look into
another process: on Linux as root, or with `kernel.yama.ptrace_scope=0`.
"""

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from uv import find_uv_bin

from bench.contenders import chosen
from bench.hearing import Hearing
from bench.ingress import ingress
from bench.load import Load
from bench.running import running
from bench.stacks import find_binaries, stack_settings
from bench.usage import usage_of

BUILD = Path(__file__).parents[1] / "build" / "bench"
PY_SPY = "py-spy==0.4.*"

Stacks = Counter[tuple[str, ...]]


def read(collapsed: Iterable[str]) -> Stacks:
    """Read py-spy's raw format, `outer;inner;innermost 12`, as stacks without line numbers."""
    stacks: Stacks = Counter()
    for line in collapsed:
        frames, _, number = line.rpartition(" ")
        stacks[tuple(re.sub(r":\d+\)$", ")", frame) for frame in frames.split(";"))] += int(number)
    return stacks


def inclusive(stacks: Stacks) -> Counter[str]:
    """Return in how many samples each function was, itself or in what it called."""
    found: Counter[str] = Counter()
    for frames, number in stacks.items():
        for frame in set(frames):
            found[frame] += number
    return found


def own(stacks: Stacks) -> Counter[str]:
    """Return in how many samples each function was the innermost."""
    found: Counter[str] = Counter()
    for frames, number in stacks.items():
        found[frames[-1]] += number
    return found


def main(
    contender: Annotated[str, typer.Argument(help="usher, plain, …")],
    process: Annotated[str, typer.Option(help="a Python process of its stack")] = "orchestrator",
    count: Annotated[int, typer.Option(help="how many at once")] = 1000,
    top: Annotated[int, typer.Option(help="how many functions are shown")] = 40,
    ports_beside: Annotated[int, typer.Option()] = 2000,
) -> None:
    """Bring the stack up, send a burst, and show the functions that were on the CPU."""
    out, err = Console(width=160), Console(stderr=True)
    taking_part = chosen([contender])[0]
    settings = stack_settings(taking_part, BUILD, ports_beside)
    raw = BUILD / f"{contender}-{process}.txt"
    with (
        running(taking_part, settings, find_binaries(err.print), err.print) as stack,
        Hearing(stack.log_path("notifier")) as hearing,
        ingress(taking_part, settings) as send,
    ):
        load = Load(send, hearing)
        load.burst(100)
        with _watched(stack.pids()[process], raw):
            before = usage_of(settings.data_dir)
            load.burst(count)
            used = usage_of(settings.data_dir).since(before)[process]
    stacks = read(raw.read_text().splitlines())
    each = used * 1000 / count / stacks.total()
    out.print(f"{process} of {contender}: {used * 1000 / count:.2f} ms a workflow; {raw}")
    for title, found in (("in it or below", inclusive(stacks)), ("in itself", own(stacks))):
        table = Table("ms a workflow", "function", title=title)
        for function, number in found.most_common(top):
            table.add_row(f"{number * each:.2f}", function)
        out.print(table)


@contextmanager
def _watched(pid: int, raw: Path) -> Iterator[None]:
    options = ["--format", "raw", "--rate", "250", "--nonblocking"]
    command = [find_uv_bin(), "tool", "run", "--from", PY_SPY, "py-spy", "record"]
    asked = [*command, *options, "--pid", str(pid), "--output", str(raw)]
    watching = subprocess.Popen(asked, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(watching.pid, signal.SIGINT)  # uv runs it as a child
        watching.wait(30)


if __name__ == "__main__":
    typer.run(main)
