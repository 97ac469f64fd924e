"""The command line: publishes through the starter, asks the services, runs the embedded stack."""

from pathlib import Path
from typing import Annotated

import typer

from usher import letters, looking, proof, steering, views
from usher.arguments import Json, header_argument, json_argument
from usher.errors import BadInput, Exit, NotFound
from usher.help import EXIT_CODES, examples
from usher.interrupts import interruptible
from usher.scaffold import new_workflow
from usher.session import session, usable

app = typer.Typer(
    name="usher",
    help="Publish an event, the right workflow starts; when it ends, a notice comes out.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(looking.app)
app.add_typer(steering.app)
app.add_typer(letters.app)
app.add_typer(proof.app)

JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
EventId = Annotated[
    str | None,
    typer.Option("--id", help="Id of the event. The same id again is the same event."),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from usher.output import Output

        Output(as_json=False).line(f"usher {version('usher-dapr')}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Publish an event, the right workflow starts; when it ends, a notice comes out."""


@app.command(
    epilog=examples(
        "usher publish hello_workflow '\"Ada\"'",
        'usher publish hello_workflow \'{"name": "Ada"}\' --id order-7',
        "usher publish approval_workflow --instance-id trip-1",
        "cat input.json | usher publish hello_workflow -",
    )
)
def publish(
    ctx: typer.Context,
    workflow: Annotated[str, typer.Argument(help="Name of the workflow; see `usher workflows`.")],
    payload: Annotated[
        str | None,
        typer.Argument(metavar="INPUT", help="Its input as JSON; - reads standard input."),
    ] = None,
    event_id: EventId = None,
    key: Annotated[str | None, typer.Option(help="Names the instance WORKFLOW-KEY.")] = None,
    instance_id: Annotated[str | None, typer.Option(help="Names the instance.")] = None,
    as_json: Json = False,
) -> None:
    """Publish a request: a workflow starts. Prints the ids once the broker has it."""
    with session(ctx, as_json) as run, run.client() as client:
        if key is not None and instance_id is not None:
            raise BadInput("--instance-id and --key both name the instance: give one of them.")
        accepted = client.publish(
            workflow,
            json_argument("INPUT", payload),
            key=key,
            instance_id=instance_id,
            event_id=header_argument("--id", event_id),
        )
        run.out.answer(accepted, views.accepted(accepted))


@app.command(
    epilog=examples(
        'usher event trip-1 approval \'{"approved": true, "by": "Grace"}\'',
        "usher event trip-1 approval - --id decision-9 < decision.json",
    )
)
def event(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Id of the instance that waits.")],
    name: Annotated[str, typer.Argument(help="Name of the event it waits for.")],
    payload: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="Its data as JSON; - reads standard input."),
    ] = None,
    event_id: EventId = None,
    as_json: Json = False,
) -> None:
    """Publish an event: the instance that waits for it goes on."""
    with session(ctx, as_json) as run, run.client() as client:
        data, given = json_argument("DATA", payload), header_argument("--id", event_id)
        accepted = client.raise_event(instance, name, data, event_id=given)
        run.out.answer(accepted, views.accepted(accepted))


@app.command(epilog=examples("usher status trip-1", "usher status trip-1 --json | jq .output"))
def status(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Id of the instance.")],
    as_json: Json = False,
) -> None:
    """Show one instance. Exit code 0 if there is one, however it ended; 4 if there is none."""
    with session(ctx, as_json) as run, run.client() as client:
        found = client.status(instance)
        run.out.answer(found, views.instance(found))


@app.command(epilog=examples("usher workflows", "usher workflows --json | jq '.items[].name'"))
def workflows(ctx: typer.Context, as_json: Json = False) -> None:
    """List the workflows that are served, with an example input each."""
    with session(ctx, as_json) as run, run.client() as client:
        served = client.workflows()
        run.out.answer(served, views.workflows(served.get("items", [])))


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


@app.command(
    epilog=examples("usher up", "usher up --detach --fresh", "USHER_STARTER_PORT=9080 usher up")
)
def up(
    ctx: typer.Context,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Leave it running; return once it is healthy.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Empty its data first.")] = False,
    with_samples: Annotated[
        bool, typer.Option("--with-samples", help="Serve the samples beside USHER_WORKFLOWS.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Start the embedded stack: Redis, Dapr, the three services.

    It serves the workflows of the folders that USHER_WORKFLOWS names; where it names none, the
    samples. In the foreground it shows all logs, and Ctrl-C stops it in order; with --json each
    line of a log is one JSON object then.
    """
    with session(ctx, as_json) as run:
        from usher import loglines
        from usher.stack import logs as logs_of_stack

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
                loglines.foreground(stack, run.out.progress, fresh=fresh)
        else:
            run.out.console.print(views.pairs(where))
            logs_of_stack.foreground(stack, run.out.console, fresh=fresh)


@app.command(epilog=examples("usher down"))
def down(ctx: typer.Context, as_json: Json = False) -> None:
    """Stop the embedded stack in order. Safe to repeat; its data stay."""
    with session(ctx, as_json) as run:
        stack = run.stack()
        was_up = stack.is_up()
        stack.down(run.out.progress)
        run.out.answer({"was_up": was_up}, views.words("The stack is down."))


@app.command(epilog=examples("usher logs", "usher logs -f notifier orchestrator"))
def logs(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Processes; all if none.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes; Ctrl-C ends it.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many of each.")] = 10,
    as_json: JsonLines = False,
) -> None:
    """Show the last lines that the stack's processes logged."""
    with session(ctx, as_json) as run:
        from usher import loglines
        from usher.stack import logs as logs_of_stack

        stack = run.stack(names)
        if not any(stack.log_path(name).exists() for name in stack.names()):
            where = stack.log_path("").parent
            raise NotFound(f"There are no logs in {where}.", "`usher up` starts the stack.")
        if as_json:
            loglines.show(stack, lines=lines, follow=follow)
        elif follow:
            logs_of_stack.follow(stack, run.out.console, lines=lines)
        else:
            logs_of_stack.show(stack, run.out.console, lines=lines)


@app.command(epilog=examples("usher demo", "usher demo --json | jq '.notices[].outcome'"))
def demo(ctx: typer.Context, as_json: Json = False) -> None:
    """Publish events on a stack of its own; show what comes out.

    Exit code 0 only if the notifier ends up with exactly the notices and dead letters it must.
    """
    with session(ctx, as_json) as run, interruptible():
        from usher.demo import demo_settings, run_demo

        settings = usable(lambda: demo_settings(run.settings))
        show = run.out.progress if as_json else run.out.line
        stack = run.wiring.stack(settings)
        verdict = run_demo(stack, run.wiring.http, show, run.out.progress)
        run.out.answer(verdict.as_json(), views.verdict(verdict))
        if not verdict.right:
            raise typer.Exit(Exit.FAILED)
