"""The command for authors of workflows: it writes one to go on from."""

from pathlib import Path
from typing import Annotated

import typer

from usher.scaffold import new_workflow
from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Json
from usher.terminal.help import examples

app = typer.Typer()


@app.command(
    "new-workflow",
    epilog=examples("usher new-workflow order_intake", "usher new-workflow hello_again --dir mine"),
)
def write_workflow(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name, with or without _workflow at its end.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="A folder of your own, for USHER_WORKFLOWS.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a workflow that works, and its test, to go on from."""
    with session(ctx, as_json) as run:
        written = new_workflow(name, folder).as_json()
        run.out.answer(written, views.pairs(written))
