"""The commands about what could not be served: look, send again, ask what would happen."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from usher.errors import BadInput, Exit, NotFound, Unreachable
from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Json
from usher.terminal.help import examples

app = typer.Typer()

Reason = Annotated[str | None, typer.Option(help="Only of this reason, such as expired.")]
Workflow = Annotated[str | None, typer.Option(help="Only requests for this workflow.")]


@app.command(
    "dead-letters",
    epilog=examples("usher dead-letters", "usher dead-letters --reason unknown_workflow --json"),
)
def dead_letters(
    ctx: typer.Context,
    reason: Reason = None,
    workflow: Workflow = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """List what could not be served, newest first."""
    with session(ctx, as_json) as run, run.client() as client:
        found = client.dead_letters(limit, reason, workflow)
        rows = [{**one, "event_id": one["event"].get("id")} for one in found["items"]]
        columns = ("last_seen", "reason", "field", "event_id", "attempts", "message")
        run.out.answer(found, views.table(rows, columns))


@app.command(
    epilog=examples(
        "usher redrive --reason unknown_workflow",
        "usher redrive --since 10m --yes",
        "usher redrive --id order-7 --yes",
    )
)
def redrive(
    ctx: typer.Context,
    letter_id: Annotated[
        str | None, typer.Option("--id", help="A dead letter, by its id or its event's.")
    ] = None,
    reason: Reason = None,
    workflow: Workflow = None,
    since: Annotated[str | None, typer.Option(help="Put aside since: 10m, 2h, a time.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
    again: Annotated[bool, typer.Option(help="Those redriven already, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what.")] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="At most so many a second.")] = 50,
    as_json: Json = False,
) -> None:
    """Send dead-lettered events again, under their own ids. A dry run unless --yes.

    Exit code 5 if any was refused.
    """
    with session(ctx, as_json) as run, run.client() as client:
        from usher import redrive as redriving

        if not (letter_id or reason or workflow or since or everything):
            raise BadInput("Say which: --id, --reason, --workflow, --since or --all.")
        moment = redriving.since(since) if since else None
        chosen = redriving.Selection(letter_id, reason, workflow, moment).of(client)
        if letter_id and not chosen:
            raise NotFound(f"No dead letter has the id {letter_id!r}, nor its event.")
        letters = [letter for letter in chosen if again or not letter.get("redriven_at")]
        if skipped := len(chosen) - len(letters):
            run.out.progress(f"{skipped} redriven already; --again includes them")
        if not yes:
            items = redriving.plan(client, letters)
            document = {"dry_run": True, "count": len(items), "items": items}
            columns: tuple[str, ...] = (
                "event_id",
                "reason",
                "would",
                "instance_id",
                "field",
                "message",
            )
            title = f"{len(items)} would be sent again; --yes does it"
        else:
            items = list(redriving.redrive(client, letters, rate))
            document = {"dry_run": False, "count": len(items), "items": items}
            columns = ("event_id", "reason", "done", "instance_id", "field", "message")
            title = f"{sum(item['done'] == 'published' for item in items)} sent again"
        run.out.answer(document, views.table(items, columns, title))
    if any(item.get("done") == "refused" for item in items):
        raise typer.Exit(Exit.REFUSED)


@app.command(epilog=examples("usher explain event.json", "usher explain - < event.json"))
def explain(
    ctx: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT.json", help="A file, or -.")],
    as_json: Json = False,
) -> None:
    """Say what would become of an event; nothing is done. Exit code 5 if it would be refused."""
    with session(ctx, as_json) as run, run.client() as client:
        try:
            body = sys.stdin.buffer.read() if event == "-" else Path(event).read_bytes()
        except OSError as error:
            raise BadInput(f"{event} cannot be read.", str(error)) from error
        told = client.explain(body)
        if "disposition" not in told:
            raise Unreachable("The orchestrator's answer is no explanation.")
        rows = [{"what": name, "": value} for name, value in told.items() if value is not None]
        run.out.answer(told, views.table(rows, ("what", "")))
    if told["disposition"] == "dead_lettered":
        raise typer.Exit(Exit.REFUSED)
