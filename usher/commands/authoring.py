"""The command for authors of workflows: it writes a new one."""

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
    name: Annotated[str, typer.Argument(help="Its name, with or without `_workflow` at the end.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Your own folder, for USHER_WORKFLOWS.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a workflow that works, and its test."""
    with session(ctx, as_json) as run:
        written = new_workflow(name, folder).as_json()
        run.out.answer(written, views.pairs(written))
