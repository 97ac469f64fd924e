"""The commands about routes. `list` and `apply` ask the orchestrator, the others read files."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from usher.errors import CommandError, Exit, Unreachable
from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Json
from usher.terminal.help import examples

if TYPE_CHECKING:
    from contracts.routes.route import Route
    from contracts.served_routes import RouteChanges, ServedRoute

app = typer.Typer(
    name="routes",
    help="Show and check which events start, reach and stop workflows.",
    no_args_is_help=True,
)


_SERVED = ("name", "does", "channel", "matched", "refused", "last_matched")
_UNROUTED = ("at", "channel", "type", "id", "source")
_REASONS = ("event", "route", "why")


def _members(names: Sequence[str], items: Iterable[object], title: str = "") -> Any:
    return views.table(names, [[getattr(one, name) for name in names] for one in items], title)


def _served(route: "ServedRoute") -> list[object]:
    """Return a row of a route. What its name says is not said again."""
    own, _, rest = route.name.rpartition("/")
    does = route.verb if own == route.workflow else f"{route.verb} {route.workflow}"
    said = [] if own == route.workflow and rest.startswith(route.verb) else [does]
    does = ", ".join([*said, *(["paused"] if route.paused else [])])
    return [route.name, does or None, *(getattr(route, name) for name in _SERVED[2:])]


def _from_here(place: str) -> str:
    """Return a place in a file relative to the current folder, if it is below that."""
    return place.removeprefix(f"{Path.cwd()}/")


def _row(route: "Route") -> dict[str, Any]:
    spec, schedule = route.spec, route.schedule
    following = next(schedule.after(datetime.now(UTC))).isoformat() if schedule else None
    matches = {name: getattr(spec, name) for name in ("type", "source", "subject")}
    shown = [f"{name} {value}" for name, value in matches.items() if value]
    return {
        "route": route.name,
        "from": spec.channel or f"every {spec.every} {spec.timezone}",
        "matches": ", ".join([*shown, *([f"when {spec.when.text}"] if spec.when else [])]),
        "next": following,
        "does": f"{route.verb} {route.workflow}",
        "key": spec.key.text if spec.key else None,
        "declared": route.place,
        "paused": spec.paused,
    }


@app.command("list", epilog=examples("usher routes list", "usher routes list --json"))
def served(ctx: typer.Context, as_json: Json = False) -> None:
    """List the routes that the orchestrator serves, and the last events that no route is for.

    The counts are of the time since the orchestrator started.
    """
    with session(ctx, as_json) as run, run.client() as client:
        from rich.console import Group

        from contracts import calls

        found = client.send(calls.routes())
        rows = [_served(one) for one in found.items]
        shown = [views.filled_table(_SERVED, rows, f"routes {found.digest}")]
        if found.unrouted:
            shown.append(_members(_UNROUTED, found.unrouted, f"{found.unrouted_total} unrouted"))
            why = [(one.id, *reason) for one in found.unrouted for reason in one.why.items()]
            shown.append(views.table(_REASONS, why, "why no route is for them"))
        run.out.answer(found, Group(*shown))


@app.command(epilog=examples("usher routes apply", "usher routes apply --json"))
def apply(ctx: typer.Context, as_json: Json = False) -> None:
    """Serve the routes that the files hold now, without a restart.

    Each orchestrator reads again the files of routes that it read at its start. On any fault, its
    routes stay as they are. Decorators are code: restart for them, and for new topics. Exit code 1
    for a fault, 3 if an orchestrator cannot be reached.
    """
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls
        from contracts.refusal import with_field

        items: list[dict[str, Any]] = []
        failed: list[CommandError] = []
        lines = []
        for url, orchestrator in client.each_orchestrator():
            try:
                changes = orchestrator.send(calls.apply_routes())
            except CommandError as error:
                failed.append(error)
                items.append({"orchestrator": url, **error.as_json()})
                faults = [with_field(one["field"], one["message"]) for one in error.errors]
                lines += [
                    f"{url}: not applied",
                    *(faults or [f"{error.title} {error.detail or ''}"]),
                ]
            else:
                items.append({"orchestrator": url, **views.as_it_came(changes)})
                lines.append(f"{url}: {_changes(changes)}")
        run.out.answer({"items": items}, views.words("\n".join(lines)))
    if failed:
        away = all(isinstance(error, Unreachable) for error in failed)
        raise typer.Exit(Exit.UNREACHABLE if away else Exit.FAILED)


def _changes(found: "RouteChanges") -> str:
    kinds = ("added", "removed", "changed", "paused", "resumed")
    said = [f"{kind} {', '.join(names)}" for kind in kinds if (names := getattr(found, kind))]
    return f"{'; '.join(said) or 'nothing changed'} (routes {found.digest})"


@app.command(epilog=examples("usher routes check", "usher routes check mine --json"))
def check(
    ctx: typer.Context,
    place: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="A folder of workflows, or a routes.yaml alone."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Read all routes, and name every fault with its line. Exit code 1 if there is one.

    Without DIR, it reads what the orchestrator would: USHER_WORKFLOWS and USHER_ROUTES.
    """
    with session(ctx, as_json) as run:
        from usher.route_trial import find_routes

        found = find_routes(place)
        rows = [*map(_row, found.routes)]
        faults = [
            {"file": str(one.file), "line": one.line, "message": one.message}
            for one in found.faults
        ]
        timed = ["next"] if any(row["next"] for row in rows) else []
        columns = ("route", "from", "matches", *timed, "does", "key", "declared")
        said = "\n".join(map(str, found.faults)) or ("" if rows else "There are no routes.")
        shown = [
            {
                **row,
                "next": row["next"] and row["next"].replace("+00:00", "Z"),
                "declared": _from_here(row["declared"]),
            }
            for row in rows
        ]
        view = views.words(said) if said else _table(columns, shown)
        run.out.answer({"routes": rows, "faults": faults}, view)
    if faults:
        raise typer.Exit(Exit.FAILED)


@app.command(
    "test",
    epilog=examples(
        "usher routes test events.jsonl --topic orders",
        "usher routes test events.jsonl --routes candidate.yaml --against routes.yaml",
    ),
)
def try_events(
    ctx: typer.Context,
    events: Annotated[Path, typer.Argument(metavar="FILE", help="Recorded events, one a line.")],
    routes: Annotated[
        Path | None, typer.Option(help="A folder or routes.yaml; what is served by default.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Show only events for which these routes do otherwise.")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="The topic of events that name none.")] = None,
    as_json: Json = False,
) -> None:
    """Show which routes recorded events match, or what other routes would change. Sends nothing."""
    with session(ctx, as_json) as run:
        from contracts.routes.matching import RouteTable
        from usher import route_trial

        now = RouteTable(route_trial.usable_routes(routes))
        before = RouteTable(route_trial.usable_routes(against)) if against else None
        items = []
        for one in route_trial.read_recorded(events, topic):
            found = route_trial.outcomes(now, one)
            item: dict[str, Any] = {"line": one.line, "topic": one.topic, "id": one.event.id}
            item["outcomes"] = found
            item["unrouted"] = not route_trial.effects(found)
            if before:
                item["before"] = route_trial.outcomes(before, one)
                changed = route_trial.effects(item["before"]) != route_trial.effects(found)
                item["changed"] = changed
            items.append(item)
        run.out.answer({"items": items}, _view(items, bool(before)))


def _table(columns: Sequence[str], rows: list[dict[str, Any]], title: str = "") -> Any:
    return views.table(columns, [[row.get(column) for column in columns] for row in rows], title)


def _view(items: list[dict[str, Any]], compared: bool) -> Any:
    shown = [item for item in items if item.get("changed", True)]
    rows = []
    for item in shown:
        for when in ("before", "outcomes") if compared else ("outcomes",):
            also = {"": "before" if when == "before" else "now"} if compared else {}
            head = {"line": item["line"], "event": item["id"], **also}
            rows += [{**head, **_cells(one)} for one in item[when]] or [
                {**head, "outcome": "unrouted"}
            ]
    columns = ("line", "event", *([""] if compared else []), "route", "outcome", "does", "message")
    told = f"{len(shown)} of {len(items)} events change" if compared else f"{len(items)} events"
    return _table(columns, rows, told)


def _cells(found: dict[str, Any]) -> dict[str, Any]:
    to = found.get("instance_id") or found["workflow"]
    return {
        "route": found["route"],
        "outcome": found.get("reason", found["outcome"].replace("_", " ")),
        "does": f"{found['verb']} {to}" if found["outcome"] == "matched" else None,
        "message": found.get("message", found.get("why")),
    }
