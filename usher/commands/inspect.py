"""The commands that look: at instances, workflows, who waits, what happened to an event."""

from enum import StrEnum
from typing import Annotated

import typer

from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Json
from usher.terminal.help import examples

app = typer.Typer()


class Status(StrEnum):
    """How an instance is, in the engine's words."""

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
    """Show one instance. Exit code 0 if there is one, however it ended; 4 if there is none."""
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls

        found = client.send(calls.status(instance))
        run.out.answer(found, views.pairs(views.present(found)))


@app.command(epilog=examples("usher workflows", "usher workflows --json | jq '.items[].name'"))
def workflows(ctx: typer.Context, as_json: Json = False) -> None:
    """List the workflows that are served, with an example input each."""
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
        Status | None, typer.Option(case_sensitive=False, help="Only those that are so.")
    ] = None,
    workflow: Annotated[str | None, typer.Option(help="Only those of this workflow.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on after this instance.")] = None,
    as_json: Json = False,
) -> None:
    """List instances in the order of their ids, a page at a time."""
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
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Look at so many runs.")] = 100,
    cursor: Annotated[str | None, typer.Option(help="Go on after this instance.")] = None,
    as_json: Json = False,
) -> None:
    """List who waits for which event, since when and until when."""
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
    subject: Annotated[str, typer.Argument(metavar="EVENT_OR_INSTANCE", help="Either's id.")],
    source: Annotated[str, typer.Option(help="The event's source.")] = "/usher/starter",
    as_json: Json = False,
) -> None:
    """Show what happened, from publish to notice: of an instance, or of an event."""
    with session(ctx, as_json) as run, run.client() as client:
        from usher.trace import trace as traced

        found = traced(client, subject, source)
        run.out.answer(found.as_json(), found.view())
