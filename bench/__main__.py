"""`python -m bench`: measure, show the table, keep the figures and a picture of them."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from filelock import FileLock, Timeout
from rich.console import Console

from bench import machine, plot, report, results
from bench.contenders import Contender, chosen, with_lever
from bench.figures import mirrored
from bench.peers.tools import find_or_install
from bench.session import Session
from bench.stacks import find_binaries
from bench.visit import FULL, QUICK, TURN
from usher.stack.errors import SetupError, StackError
from usher.terminal.interrupts import interruptible

BUILD = Path(__file__).parents[1] / "build" / "bench"


def main(
    quick: Annotated[
        bool, typer.Option(help="one small burst a visit: minutes, not an hour")
    ] = False,
    turns: Annotated[
        bool,
        typer.Option(help="all stacks up, small bursts in turns: for a machine that is shared"),
    ] = False,
    rounds: Annotated[int, typer.Option(min=1, help="each visits all contenders twice")] = 1,
    only: Annotated[
        str, typer.Option(help="these contenders, by commas, peers too; else all but peers")
    ] = "",
    lever: Annotated[
        list[str] | None,
        typer.Option(
            help="visit it so as well: CONTENDER=PROCESS:VARIABLE=VALUE or …:--OPTION=VALUE"
        ),
    ] = None,
    sizes: Annotated[str, typer.Option(help="how many at once, by commas")] = "",
    name: Annotated[str, typer.Option(help="kept as bench/results/<date>-NAME.json")] = "",
    remark: Annotated[str, typer.Option(help="kept with it, such as how quiet it was")] = "",
    ports_beside: Annotated[
        int, typer.Option(help="how far its ports are from the defaults")
    ] = 2000,
    show: Annotated[Path | None, typer.Option(help="show a result again, measure nothing")] = None,
) -> None:
    """Measure Usher beside the plain wiring and the bare engine; wants a quiet machine."""
    out, err = Console(width=200), Console(stderr=True, soft_wrap=True)
    if show:
        report.show(results.load(show), out)
        return
    plan = QUICK if quick else TURN if turns else FULL
    if sizes:
        plan = replace(plan, sizes=tuple(int(size) for size in sizes.split(",")))
    try:
        contenders = _taking_part(only, lever or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    BUILD.mkdir(parents=True, exist_ok=True)
    try:
        with interruptible(), FileLock(BUILD / "lock", timeout=0):
            binaries = find_binaries(err.print)
            peers = {one.services for one in contenders if not one.on_dapr}
            tools = find_or_install(peers, err.print) if peers else None
            described = machine.describe(binaries, tools)
            session = Session(binaries, BUILD, ports_beside, err.print, tools)
            visit = session.take_turns if turns else session.run
            visits = visit(list(mirrored(contenders, rounds)), plan)
    except (StackError, SetupError) as error:
        sys.exit(str(error))
    except Timeout:
        sys.exit("another bench runs in this checkout")
    except KeyboardInterrupt:
        sys.exit(130)
    run = results.run_of(remark, described, plan, contenders, visits)
    path = results.save(run, name or ("turns" if turns else "quick" if quick else "full"))
    plot.draw(run, path.with_suffix(".svg"))
    report.show(run, out)
    err.print(f"kept in {path} and {path.with_suffix('.svg').name}")


def _taking_part(only: str, levers: list[str]) -> list[Contender]:
    contenders = chosen(filter(None, only.split(",")))
    for one in levers:
        name, _, setting = one.partition("=")
        contenders.append(with_lever(chosen([name])[0], setting))
    return contenders


if __name__ == "__main__":
    typer.run(main)
