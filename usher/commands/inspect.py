"""The commands that look: at instances, workflows, who waits, what happened to an event."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from usher.errors import NotFound
from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Json
from usher.terminal.help import examples

if TYPE_CHECKING:
    from rich.console import RenderableType

    from usher.client import Client, Document

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
        found = client.status(instance)
        run.out.answer(found, views.instance(found))


@app.command(epilog=examples("usher workflows", "usher workflows --json | jq '.items[].name'"))
def workflows(ctx: typer.Context, as_json: Json = False) -> None:
    """List the workflows that are served, with an example input each."""
    with session(ctx, as_json) as run, run.client() as client:
        served = client.workflows()
        run.out.answer(served, views.workflows(served.get("items", [])))


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
        found = client.instances(limit, status, workflow, cursor)
        columns: tuple[str, ...] = (
            "instance_id",
            "workflow",
            "status",
            "created_at",
            "updated_at",
            "custom_status",
        )
        rows = [{**row, "stalled": views.stalled(row)} for row in found["items"]]
        if any(row["stalled"] for row in rows):
            columns += ("stalled",)
        run.out.answer(found, views.table(rows, columns))
        if (following := found["next"]) is not None:
            run.out.progress(f"there are more: --cursor {following}")


@app.command(epilog=examples("usher waiting", "usher waiting --json | jq '.items[].event'"))
def waiting(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Look at so many runs.")] = 100,
    cursor: Annotated[str | None, typer.Option(help="Go on after this instance.")] = None,
    as_json: Json = False,
) -> None:
    """List who waits for which event, since when and until when."""
    with session(ctx, as_json) as run, run.client() as client:
        found = client.waiting(limit, cursor)
        columns = ("instance_id", "workflow", "event", "since", "until")
        run.out.answer(found, views.table(found["items"], columns))
        if (following := found["next"]) is not None:
            run.out.progress(f"there are more: --cursor {following}")


@app.command(epilog=examples("usher trace trip-1", "usher trace order-7 --source /shop"))
def trace(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="EVENT_OR_INSTANCE", help="Either's id.")],
    source: Annotated[str, typer.Option(help="The event's source.")] = "/usher/starter",
    as_json: Json = False,
) -> None:
    """Show what happened, from publish to notice: of an instance, or of an event."""
    with session(ctx, as_json) as run, run.client() as client:
        found = _trace(client, subject, source)
        run.out.answer(found, _shown(found))


def _trace(client: "Client", subject: str, source: str) -> "Document":
    from usher.redrive import Selection

    try:
        return {"event": None, **client.timeline(subject)}
    except NotFound:
        pass
    try:
        event = client.event(source, subject)
    except NotFound as unknown:
        title = f"Neither an instance nor an event from {source} has the id {subject!r}."
        raise NotFound(title, "Another source is named with --source.") from unknown
    if event["disposition"] in ("dead_lettered", "expired"):
        letters = Selection(letter_id=subject).of(client)
        event["dead_letter"] = next((one for one in letters if _of(one, source)), None)
    nothing: Document = {"instance": None, "notice": None, "steps": []}
    try:
        told = client.timeline(event["instance_id"]) if event["instance_id"] else nothing
    except NotFound:
        told = nothing
    return {"event": event, **told}


def _of(letter: "Document", source: str) -> bool:
    return bool(letter["event"].get("source") == source)


def _shown(found: "Document") -> "RenderableType":
    from rich.console import Group

    parts: list[RenderableType] = []
    if found["event"]:
        event = dict(found["event"])
        letter = event.pop("dead_letter", None) or {}
        told = ("reason", "field", "message", "last_seen", "redriven_at")
        parts.append(views.pairs({**event, **{k: letter[k] for k in told if letter.get(k)}}))
    if found["instance"]:
        about = ("instance_id", "workflow", "status", "custom_status")
        parts.append(views.pairs({k: found["instance"][k] for k in about if found["instance"][k]}))
    if found["steps"]:
        columns = ("begin", "kind", "name", "state", "seconds", "until", "note")
        parts.append(views.table(found["steps"], columns))
    return Group(*parts)
