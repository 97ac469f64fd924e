"""The commands that show instances, workflows, waits, and what happened to an event."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from usher.errors import CommandError, NotFound
from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Exact, Json, JsonLines, Status
from usher.terminal.help import examples

if TYPE_CHECKING:
    from usher.client import Client

app = typer.Typer()


@app.command(epilog=examples("usher status trip-1", "usher status trip-1 --json | jq .output"))
def status(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Id of the instance.")],
    as_json: Json = False,
) -> None:
    """Show one instance. Exit code 0 if it exists, however it ended; 4 if it does not."""
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls

        try:
            found = client.send(calls.status(instance))
        except NotFound as unknown:
            raise _never_started(client, instance, unknown) from unknown
        run.out.answer(found, views.pairs(views.present(found)))


def _never_started(client: "Client", instance: str, unknown: NotFound) -> NotFound:
    """Return the error with the dead letter of the request that was for this instance, if any."""
    from contracts import calls

    try:
        letters = client.send(calls.dead_letters(1, instance_id=instance)).items
    except CommandError:
        return unknown
    if not letters:
        return unknown
    (letter,) = letters
    title = f"{instance} is not there: the last event for it was dead-lettered as {letter.reason}."
    detail = f"Event {letter.event.id}, {views.when(letter.last_seen, exact=False)}."
    return NotFound(title, detail, [{"field": letter.field or "", "message": letter.message}])


@app.command(epilog=examples("usher workflows", "usher workflows --json | jq '.items[].name'"))
def workflows(ctx: typer.Context, as_json: Json = False) -> None:
    """List the served workflows, each with an example input."""
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls

        served = client.send(calls.workflows())
        run.out.answer(served, views.workflows(served.items))


@app.command(
    epilog=examples("usher ps", "usher ps --status RUNNING", "usher ps --workflow order_workflow")
)
def ps(
    ctx: typer.Context,
    status: Annotated[
        Status | None, typer.Option(case_sensitive=False, help="Only with this status.")
    ] = None,
    workflow: Annotated[str | None, typer.Option(help="Only of this workflow.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Show at most this many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Start after this instance.")] = None,
    exact: Exact = False,
    as_json: Json = False,
) -> None:
    """List instances in the order of their ids, page by page."""
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls

        found = client.send(calls.instances(limit, status, workflow, cursor))
        columns = (
            "instance_id",
            "workflow",
            "status",
            "created",
            "updated",
            "custom_status",
            "stalled",
        )
        rows = [
            [
                one.instance_id,
                one.workflow,
                one.status,
                views.when(one.created_at, exact),
                views.when(one.updated_at, exact),
                one.custom_status,
                views.stalled(one),
            ]
            for one in found.items
        ]
        run.out.answer(found, views.filled_table(columns, rows, empty="No instance fits."))
        if found.next is not None:
            run.out.progress(f"there are more: --cursor {found.next}")


@app.command(epilog=examples("usher waiting", "usher waiting --json | jq '.items[].event'"))
def waiting(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Look at this many runs.")] = 100,
    cursor: Annotated[str | None, typer.Option(help="Start after this instance.")] = None,
    exact: Exact = False,
    as_json: Json = False,
) -> None:
    """List the waits for events, each with its start and deadline."""
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls

        found = client.send(calls.waiting(limit, cursor))
        columns = ("instance_id", "workflow", "event", "since", "until")
        rows = [
            (
                one.instance_id,
                one.workflow,
                one.event,
                views.when(one.since, exact),
                views.when(one.until, exact),
            )
            for one in found.items
        ]
        run.out.answer(found, views.filled_table(columns, rows, empty="Nobody waits."))
        if found.next is not None:
            run.out.progress(f"there are more: --cursor {found.next}")


@app.command(epilog=examples("usher watch", "usher watch --workflow order_workflow --json"))
def watch(
    ctx: typer.Context,
    workflow: Annotated[str | None, typer.Option(help="Only of this workflow.")] = None,
    as_json: JsonLines = False,
) -> None:
    """Follow completions and dead letters as they come, a line each, until Ctrl-C."""
    with session(ctx, as_json) as run, run.client() as client, suppress(KeyboardInterrupt):
        from contracts.lines import letter_line, notice_line
        from contracts.records import Notice
        from usher.terminal.interrupts import interruptible
        from usher.terminal.output import write_json
        from usher.watching import follow

        with interruptible():
            for one in follow(client, run.out.progress):
                of = one.workflow if isinstance(one, Notice) else one.command.get("workflow")
                if workflow not in (None, of):
                    continue
                if as_json:
                    write_json(one)
                else:
                    run.out.line(notice_line(one) if isinstance(one, Notice) else letter_line(one))


@app.command(epilog=examples("usher trace trip-1", "usher trace order-7 --source /shop"))
def trace(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="EVENT_OR_INSTANCE", help="Id of either.")],
    source: Annotated[
        str | None, typer.Option(help="The event's source, if Usher did not publish it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what happened to an event or an instance, step by step."""
    with session(ctx, as_json) as run, run.client() as client:
        from usher.trace import trace as traced

        found = traced(client, subject, source)
        run.out.answer(found.as_json(), found.view())
