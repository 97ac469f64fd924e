"""The commands that prove: every accepted event is accounted for, nothing breaks a promise."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from contracts import printable
from usher.errors import Exit
from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Json
from usher.terminal.help import examples

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

    from usher.audit.report import Report, Unaccounted
    from usher.doctor.examination import Diagnosis

app = typer.Typer()


@app.command(epilog=examples("usher audit", "usher audit --json | jq .unaccounted"))
def audit(ctx: typer.Context, as_json: Json = False) -> None:
    """Hold every event on the streams against the ledger and the dead letters.

    Exit code 1 if any is not accounted for; each is named.
    """
    with session(ctx, as_json) as run, run.client() as client, run.redis() as redis:
        from usher.audit.auditor import Auditor
        from usher.audit.streams import Streams

        report = Auditor(Streams(redis), client, run.out.progress).run()
        run.out.answer(report.as_json(), _audited(report))
    if report.unaccounted:
        raise typer.Exit(Exit.FAILED)


@app.command(epilog=examples("usher doctor", "usher doctor --json | jq '.items[].where'"))
def doctor(ctx: typer.Context, as_json: Json = False) -> None:
    """Say what would break a promise, in the component files and in what runs.

    Exit code 1 if anything would lose or double events; 3 if something could not be looked at.
    """
    with session(ctx, as_json) as run, run.client() as client:
        from usher.doctor.examination import Doctor
        from usher.stack.settings import LOOPBACK

        etcd_url = f"http://{LOOPBACK}:{run.settings.scheduler_etcd_client_port}"
        found = Doctor(run.settings.components_dir, client, etcd_url).examine(run.redis)
        run.out.answer(found.as_json(), _diagnosed(found))
    if found.count("refusal"):
        raise typer.Exit(Exit.FAILED)
    if found.not_seen:
        raise typer.Exit(Exit.UNREACHABLE)


def _diagnosed(found: "Diagnosis") -> "Group":
    from rich.console import Group
    from rich.text import Text

    lines = [f"{found.count('refusal')} refusals, {found.count('warning')} warnings"]
    for one in found.findings:
        lines.append(f"{one.level}: {one.where}: {one.wrong}")
        lines.append(f"    right: {one.right} (breaks {one.breaks})")
    lines += [f"not seen: {said}" for said in found.not_seen]
    return Group(*(Text(printable.one_line(line)) for line in lines))


def _audited(report: "Report") -> "Group":
    from rich.console import Group
    from rich.text import Text

    named = ("findings", "reused")
    totals = {name: value for name, value in report.as_json().items() if name not in named}
    shown: list[RenderableType] = [views.pairs(totals)]
    if report.findings:
        shown += [Text("Not accounted for:", style="bold red"), _named(report.findings, "missing")]
    if report.reused:
        title = Text("Published with the source and id of another event:", style="bold")
        shown += [title, _named(report.reused, "note")]
    return Group(*shown)


def _named(findings: "Sequence[Unaccounted]", last: str) -> "RenderableType":
    rows = [(one.stream, one.entry, one.source, one.id, one.missing) for one in findings]
    return views.table(("stream", "entry", "source", "id", last), rows)
