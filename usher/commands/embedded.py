"""The commands that run the embedded stack: up, down, logs and demo."""

from typing import Annotated

import typer

from usher.errors import Exit, NotFound
from usher.session import session, usable
from usher.terminal import views
from usher.terminal.arguments import Json, JsonLines
from usher.terminal.help import examples
from usher.terminal.interrupts import interruptible

app = typer.Typer()


@app.command(
    epilog=examples("usher up", "usher up --detach --fresh", "USHER_STARTER_PORT=9080 usher up")
)
def up(
    ctx: typer.Context,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return once it is healthy; it keeps running.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Empty its data first.")] = False,
    with_samples: Annotated[
        bool, typer.Option("--with-samples", help="Serve the samples, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Start the embedded stack: Redis, Dapr and the services.

    It serves the workflows in the folders that USHER_WORKFLOWS names, or the samples if it names
    none. In the foreground it shows all logs, and Ctrl-C stops it. With --json, each line of a log
    is a JSON object.
    """
    with session(ctx, as_json) as run:
        from usher.terminal import coloured_logs, json_logs

        extra = {"samples": True} if with_samples else {}
        settings = run.settings.model_copy(update=extra)
        stack, where = run.wiring.stack(settings), settings.places()
        if detach:
            with interruptible():
                started = stack.up(run.out.progress, fresh=fresh)
            now = {"started": started, "places": where, "pids": stack.pids()}
            run.out.answer(now, views.pairs(where))
        elif as_json:
            with interruptible():
                json_logs.foreground(stack, run.out.progress, fresh=fresh)
        else:
            run.out.console.print(views.pairs(where))
            coloured_logs.foreground(stack, run.out.console, fresh=fresh)


@app.command(epilog=examples("usher down"))
def down(ctx: typer.Context, as_json: Json = False) -> None:
    """Stop the embedded stack. Safe to repeat. Its data stay."""
    with session(ctx, as_json) as run:
        stack = run.stack()
        was_up = stack.is_up()
        stack.down(run.out.progress)
        run.out.answer({"was_up": was_up}, views.words("The stack is down."))


@app.command(epilog=examples("usher logs", "usher logs -f notifier orchestrator"))
def logs(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Processes; default: all.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show new lines, until Ctrl-C.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Lines of each log.")] = 10,
    as_json: JsonLines = False,
) -> None:
    """Show the last lines of the stack's logs."""
    with session(ctx, as_json) as run:
        from usher.terminal import coloured_logs, json_logs

        stack = run.stack(names)
        if not any(stack.log_path(name).exists() for name in stack.names()):
            where = stack.log_path("").parent
            raise NotFound(f"There are no logs in {where}.", "`usher up` starts the stack.")
        if as_json:
            json_logs.show(stack, lines=lines, follow=follow)
        elif follow:
            coloured_logs.follow(stack, run.out.console, lines=lines)
        else:
            coloured_logs.show(stack, run.out.console, lines=lines)


@app.command(epilog=examples("usher demo", "usher demo --json | jq '.notices[].outcome'"))
def demo(ctx: typer.Context, as_json: Json = False) -> None:
    """Publish events on a separate stack, and show what comes out.

    Exit code 0 only if the notifier has exactly the expected notices and dead letters.
    """
    with session(ctx, as_json) as run, interruptible():
        from usher.demo import demo_settings, run_demo

        settings = usable(lambda: demo_settings(run.settings))
        show = run.out.progress if as_json else run.out.line
        stack = run.wiring.stack(settings)
        result = run_demo(stack, run.wiring.http, show, run.out.progress)
        run.out.answer(result.as_json(), views.demo_result(result))
        if not result.right:
            raise typer.Exit(Exit.FAILED)
