"""The commands that check that no accepted event is lost, and that nothing breaks a promise."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer

from contracts import printable
from usher.errors import CommandError, Exit
from usher.session import session, usable
from usher.terminal import views
from usher.terminal.arguments import Json
from usher.terminal.help import examples

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

    from usher.audit.report import Report, Unaccounted
    from usher.client import Client
    from usher.doctor.examination import Diagnosis

app = typer.Typer()


@app.command(epilog=examples("usher audit", "usher audit --json | jq .unaccounted"))
def audit(ctx: typer.Context, as_json: Json = False) -> None:
    """Check that every event on the streams is accounted for.

    Exit code 1 if an event is not. Each one is named. Exit code 3 if a topic could not be read.
    """
    with session(ctx, as_json) as run, run.client() as client, run.redis() as redis:
        from usher.audit.auditor import Auditor
        from usher.audit.readers import readers
        from usher.urls import UrlSettings, kafka_brokers

        kafka = kafka_brokers(run.settings, usable(UrlSettings))
        with readers(redis, _other_brokers(client), kafka, run.settings.names) as reader_of:
            report = Auditor(reader_of, client, run.out.progress).run()
        run.out.answer(report.as_json(), _audited(report))
    if report.unaccounted:
        raise typer.Exit(Exit.FAILED)
    if report.not_seen:
        raise typer.Exit(Exit.UNREACHABLE)


@app.command(epilog=examples("usher doctor", "usher doctor --json | jq '.items[].where'"))
def doctor(ctx: typer.Context, as_json: Json = False) -> None:
    """Report what would break a promise, in the files and the services.

    Exit code 1 if something would lose or repeat events; 3 if something could not be examined.
    """
    with session(ctx, as_json) as run, run.client() as client:
        from usher.doctor.examination import Doctor
        from usher.stack.settings import LOOPBACK
        from usher.urls import UrlSettings, kafka_brokers

        etcd_url = f"http://{LOOPBACK}:{run.settings.scheduler_etcd_client_port}"
        kafka = kafka_brokers(run.settings, usable(UrlSettings))
        doctor = Doctor(run.settings.component_folders, client, etcd_url, kafka, run.settings.names)
        found = doctor.examine(run.redis if run.settings.needs_redis else None)
        run.out.answer(found.as_json(), _diagnosed(found))
    if found.count("refusal"):
        raise typer.Exit(Exit.FAILED)
    if found.not_seen:
        raise typer.Exit(Exit.UNREACHABLE)


def _other_brokers(client: "Client") -> "Mapping[str, str]":
    """Return the topics on brokers that are not Redis; none while the orchestrator is away."""
    from contracts import calls
    from contracts.brokers import other_brokers

    with suppress(CommandError):
        metadata: dict[str, Any] = client.send(calls.sidecar("orchestrator"))
        return other_brokers(metadata)
    return {}


def _diagnosed(found: "Diagnosis") -> "Group":
    from rich.console import Group
    from rich.text import Text

    lines = [f"{found.count('refusal')} refusals, {found.count('warning')} warnings"]
    for finding in found.findings:
        lines.append(f"{finding.level}: {finding.where}: {finding.wrong}")
        lines.append(f"    right: {finding.right} (breaks {finding.breaks})")
    lines += [f"not seen: {reason}" for reason in found.not_seen]
    return Group(*(Text(printable.one_line(line)) for line in lines))


def _audited(report: "Report") -> "Group":
    from rich.console import Group
    from rich.text import Text

    lists = ("findings", "reused", "not_seen")
    totals = {name: value for name, value in report.as_json().items() if name not in lists}
    shown: list[RenderableType] = [views.pairs(totals)]
    if report.findings:
        shown += [Text("Not accounted for:", style="bold red"), _named(report.findings, "missing")]
    if report.reused:
        title = Text("Published with the source and id of another event:", style="bold")
        shown += [title, _named(report.reused, "note")]
    shown += [Text(f"not seen: {topic}: {why}") for topic, why in report.not_seen.items()]
    return Group(*shown)


def _named(findings: "Sequence[Unaccounted]", last: str) -> "RenderableType":
    routed = ["route"] if any(one.route for one in findings) else []
    columns = ("stream", *routed, "entry", "source", "id", "missing")
    rows = [[getattr(one, column) for column in columns] for one in findings]
    return views.table((*columns[:-1], last), rows)
