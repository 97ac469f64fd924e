"""The commands about events that could not be served: list, redrive, explain."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from usher.errors import BadInput, Exit, NotFound, Unreachable
from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Exact, Json, since_argument
from usher.terminal.help import examples

if TYPE_CHECKING:
    from rich.console import RenderableType

    from contracts.http import Explanation
    from contracts.records import Redrive, RedriveItem
    from usher.client import Client
    from usher.session import Session

app = typer.Typer()

Reason = Annotated[str | None, typer.Option(help="Only with this reason, such as expired.")]
Workflow = Annotated[str | None, typer.Option(help="Only requests for this workflow.")]
_NOT_SENT = ("refused", "impossible", "skipped")


@app.command(
    "dead-letters",
    epilog=examples("usher dead-letters", "usher dead-letters --reason unknown_workflow --json"),
)
def dead_letters(
    ctx: typer.Context,
    reason: Reason = None,
    workflow: Workflow = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Show at most this many.")] = 100,
    exact: Exact = False,
    as_json: Json = False,
) -> None:
    """List the dead letters, newest first."""
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls

        found = client.send(calls.dead_letters(limit, reason, workflow))
        columns = ["last_seen", "reason", "field", "event_id", "attempts", "message"]
        rows = [
            [
                views.when(one.last_seen, exact),
                one.reason,
                one.field,
                one.event.id,
                one.attempts,
                one.message,
            ]
            for one in found.items
        ]
        if any(one.route for one in found.items):
            columns.insert(3, "route")
            for row, one in zip(rows, found.items, strict=True):
                row.insert(3, one.route)
        run.out.answer(found, views.table(columns, rows, empty="There are no dead letters."))


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
        str | None, typer.Option("--id", help="Id of the dead letter, or of its event.")
    ] = None,
    reason: Reason = None,
    workflow: Workflow = None,
    since: Annotated[str | None, typer.Option(help="Only since: 10m, 2h or a time.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
    again: Annotated[bool, typer.Option(help="Also those that were redriven before.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send them; without it, only show.")] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="Send at most this many a second.")] = 50,
    as_json: Json = False,
) -> None:
    """Send dead letters again, under the ids of their events. Without --yes, only show them.

    Exit code 5 if any was refused.
    """
    with session(ctx, as_json) as run, run.client() as client:
        from contracts.records import Redrive

        if not (letter_id or reason or workflow or since or everything):
            raise BadInput("Say which: --id, --reason, --workflow, --since or --all.")
        wanted = Redrive(
            id=letter_id,
            reason=reason,
            workflow=workflow,
            since=since_argument(since),
            again=again,
            dry_run=not yes,
            rate=rate,
        )
        items = _redriven(run, client, wanted)
        possible = sum(one.would not in _NOT_SENT for one in items)
        what, title = "would", f"{possible} would be sent again; --yes does it"
        if yes:
            what, title = "done", f"{sum(one.done == 'published' for one in items)} sent again"
        columns = ("event_id", "reason", what, "instance_id", "field", "message")
        rows = [
            (
                one.event_id,
                one.reason,
                one.done or one.would,
                one.instance_id,
                one.field,
                one.message,
            )
            for one in items
        ]
        document = {"dry_run": not yes, "count": len(items), "items": items}
        run.out.answer(document, views.table(columns, rows, title))
    if any(one.done == "refused" for one in items):
        raise typer.Exit(Exit.REFUSED)


def _redriven(run: "Session", client: "Client", wanted: "Redrive") -> "list[RedriveItem]":
    """Redrive, and return what became of each; raises `Unreachable` if some are left."""
    from contracts import calls

    items: list[RedriveItem] = []
    begun = None
    for told in client.stream(calls.redrive(wanted)):
        if begun is None:
            begun = told
            if told.skipped:
                run.out.progress(f"{told.skipped} redriven already; --again includes them")
        if told.item:
            items.append(told.item)
        elif told.away:
            raise Unreachable(_left(len(items), told.count, wanted), f"{told.away}.")
    if begun is None:
        raise Unreachable("The notifier's answer is no redrive.")
    if len(items) < begun.count:
        raise Unreachable(_left(len(items), begun.count, wanted), "The notifier has stopped.")
    if wanted.id and not begun.count + begun.skipped:
        raise NotFound(f"No dead letter has the id {wanted.id!r}, nor its event.")
    return items


def _left(done: int, count: int, wanted: "Redrive") -> str:
    what = "looked at" if wanted.dry_run else "handled"
    return f"Only {done} of {count} dead letters were {what}."


@app.command(
    epilog=examples(
        "usher explain event.json",
        "usher explain - < event.json",
        "usher explain event.json --topic orders",
    )
)
def explain(
    ctx: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT.json", help="File; - is stdin.")],
    topic: Annotated[
        str | None, typer.Option(help="A topic of routes; without it, the event is a command.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what would become of an event, and do nothing.

    With --topic, each route of the topic says what it would do, or why it would not. Exit code 5 if
    the event, or a route of it, would be refused.
    """
    with session(ctx, as_json) as run, run.client() as client:
        try:
            body = sys.stdin.buffer.read() if event == "-" else Path(event).read_bytes()
        except OSError as error:
            raise BadInput(f"{event} cannot be read.", str(error)) from error
        from contracts import calls
        from contracts.disposition import Disposition

        told = client.send(calls.explain(body, topic))
        run.out.answer(told, _explained(told))
        if told.topic is None:
            run.out.progress("This is no command. For an event of a route, name its --topic.")
    if Disposition.DEAD_LETTERED in {one.disposition for one in (told, *(told.routes or ()))}:
        raise typer.Exit(Exit.REFUSED)


def _explained(told: "Explanation") -> "RenderableType":
    """Return what would become of an event, and a row for each of several routes."""
    from rich.console import Group

    whole = {k: v for k, v in views.present(told).items() if k not in ("routes", "not_matched")}
    names = ("route", "disposition", "instance_id", "reason", "field", "message")
    rows = [[getattr(one, name) for name in names] for one in told.routes or ()]
    left = (told.not_matched or {}).items()
    rows += [[name, "not_matched", None, None, None, why] for name, why in left]
    return Group(views.pairs(whole), *([views.filled_table(names, rows)] if rows else []))
