"""The commands that show instances, workflows, waits, and what happened to an event."""

from enum import StrEnum
from typing import Annotated

import typer

from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Json
from usher.terminal.help import examples

app = typer.Typer()


class Status(StrEnum):
    """The status of an instance, in the engine's words."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    STALLED = "STALLED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


@app.command(epilog=examples("usher status trip-1", "usher status trip-1 --json | jq .output"))
def status(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Id of the instance.")],
    as_json: Json = False,
) -> None:
    """Show one instance. Exit code 0 if it exists, however it ended; 4 if it does not."""
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls

        found = client.send(calls.status(instance))
        run.out.answer(found, views.pairs(views.present(found)))


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
    as_json: Json = False,
) -> None:
    """List instances in the order of their ids, page by page."""
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls

        found = client.send(calls.instances(limit, status, workflow, cursor))
        columns = [
            "instance_id",
            "workflow",
            "status",
            "created_at",
            "updated_at",
            "custom_status",
            "stalled",
        ]
        rows = [
            [
                one.instance_id,
                one.workflow,
                one.status,
                one.created_at,
                one.updated_at,
                one.custom_status,
                views.stalled(one),
            ]
            for one in found.items
        ]
        if not any(one.stalled for one in found.items):
            columns, rows = columns[:-1], [row[:-1] for row in rows]
        run.out.answer(found, views.table(columns, rows))
        if found.next is not None:
            run.out.progress(f"there are more: --cursor {found.next}")


@app.command(epilog=examples("usher waiting", "usher waiting --json | jq '.items[].event'"))
def waiting(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Look at this many runs.")] = 100,
    cursor: Annotated[str | None, typer.Option(help="Start after this instance.")] = None,
    as_json: Json = False,
) -> None:
    """List the waits for events, each with its start and deadline."""
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls

        found = client.send(calls.waiting(limit, cursor))
        columns = ("instance_id", "workflow", "event", "since", "until")
        rows = [
            (one.instance_id, one.workflow, one.event, one.since, one.until) for one in found.items
        ]
        run.out.answer(found, views.table(columns, rows))
        if found.next is not None:
            run.out.progress(f"there are more: --cursor {found.next}")


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
