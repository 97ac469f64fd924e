"""The command line: publishes through the starter, asks the services, runs the embedded stack.

Every command and every help text imports these modules, so they import little. A command imports
what it needs itself, or `usher.session` does.
"""

from typing import Annotated

import typer

from usher.commands import (
    authoring,
    control,
    dead_letters,
    embedded,
    inspect,
    publish,
    routes,
    verify,
)
from usher.terminal.help import EXIT_CODES

app = typer.Typer(
    name="usher",
    help="Publish an event, and the right workflow starts. When it ends, a notice comes out.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for room in (publish, inspect, control, dead_letters, verify, authoring, embedded):
    app.add_typer(room.app)
app.add_typer(routes.app)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from usher.terminal.output import Output

        Output(as_json=False).line(f"usher {version('usher-dapr')}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Publish an event, and the right workflow starts. When it ends, a notice comes out."""
