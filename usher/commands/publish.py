"""The commands that publish: a request, which starts a workflow, or an event for an instance."""

from typing import TYPE_CHECKING, Annotated

import typer

from usher.errors import BadInput, Exit
from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import (
    Force,
    Json,
    header_argument,
    json_argument,
    seconds_argument,
)
from usher.terminal.help import examples

if TYPE_CHECKING:
    from contracts.http import Accepted
    from contracts.records import Notice
    from usher.client import Client
    from usher.session import Session

app = typer.Typer()

EventId = Annotated[
    str | None,
    typer.Option("--id", help="Id of the event. An event with the same id is the same event."),
]


@app.command(
    epilog=examples(
        "usher publish hello_workflow '\"Ada\"'",
        'usher publish hello_workflow \'{"name": "Ada"}\' --id order-7',
        "usher publish approval_workflow --instance-id trip-1",
        "usher publish hello_workflow --wait --timeout 30s",
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
    key: Annotated[str | None, typer.Option(help="The instance's id is WORKFLOW-KEY.")] = None,
    instance_id: Annotated[str | None, typer.Option(help="Id of the instance.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end of the run, and print its outcome.")
    ] = False,
    timeout: Annotated[
        str | None, typer.Option(help="With --wait: how long at most, such as 30s or 10m.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Publish a request, which starts a workflow. Print the ids once the broker has it.

    A request that would be dead-lettered is not sent. With --wait, the exit code says how the run
    ended: 0 COMPLETED, 6 FAILED, 7 TERMINATED, 8 not in time.
    """
    with session(ctx, as_json) as run, run.client() as client:
        if key is not None and instance_id is not None:
            raise BadInput("--instance-id and --key both name the instance: give one of them.")
        if timeout is not None and not wait:
            raise BadInput("--timeout says how long to --wait: give both.")
        from contracts import calls
        from contracts.written import command_of

        seconds = seconds_argument("--timeout", timeout)
        body, given = json_argument("INPUT", payload), header_argument("--id", event_id)
        if not force:
            from usher.checking import check

            command = {"workflow": workflow, "key": key, "instance_id": instance_id}
            check(run, client, command_of(calls.STARTER_SOURCE, command, given, {"input": body}))
        accepted = client.send(
            calls.start(workflow, body, key=key, instance_id=instance_id, event_id=given)
        )
        if not wait:
            run.out.answer(accepted, views.accepted(accepted))
            return
        notice = _ending(run, client, accepted, seconds)
    codes = {"COMPLETED": Exit.OK, "TERMINATED": Exit.RUN_TERMINATED}
    raise typer.Exit(codes.get(str(notice.outcome), Exit.RUN_FAILED))


def _ending(
    run: "Session", client: "Client", accepted: "Accepted", seconds: float | None
) -> "Notice":
    """Wait for the end of a run, and print it."""
    from contracts import calls
    from usher.ending import ending_of

    run.out.progress(f"{accepted.instance_id} (event {accepted.event_id}) …")
    notice = ending_of(client, accepted, calls.STARTER_SOURCE, seconds)
    run.out.answer(notice, views.pairs(views.present(notice)))
    return notice


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
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Publish an event. The instance that waits for it continues.

    An event that would be dead-lettered is not sent.
    """
    with session(ctx, as_json) as run, run.client() as client:
        data, given = json_argument("DATA", payload), header_argument("--id", event_id)
        from contracts import calls
        from contracts.written import command_of

        if not force:
            from usher.checking import check

            command = {"instance_id": instance, "event": name}
            check(run, client, command_of(calls.STARTER_SOURCE, command, given, {"data": data}))
        accepted = client.send(calls.raise_event(instance, name, data, event_id=given))
        run.out.answer(accepted, views.accepted(accepted))


@app.command(
    epilog=examples(
        'usher send orders \'{"order_id": "o-1"}\' --type com.acme.order.placed',
        "usher send crm/customers - --type com.acme.moved --source /crm --id 4711 < moved.json",
    )
)
def send(
    ctx: typer.Context,
    topic: Annotated[str, typer.Argument(help="The topic of routes, or component/topic.")],
    payload: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="Its data as JSON; - reads standard input."),
    ] = None,
    kind: Annotated[str, typer.Option("--type", help="Type of the event.")] = "",
    source: Annotated[
        str | None, typer.Option(help="Source of the event; without it, /usher/send.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Subject of the event.")] = None,
    event_id: EventId = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Send an event of your own, which routes match. Print its id once the broker has it.

    An event that a route would dead-letter is not sent.
    """
    with session(ctx, as_json) as run, run.client() as client:
        if not kind:
            raise BadInput("--type is missing: the type of the event, such as com.acme.moved.")
        from contracts import calls
        from contracts.written import event_of

        named = {"subject": subject} if subject else {}
        data = json_argument("DATA", payload)
        written = event_of(source or calls.SEND_SOURCE, kind, data, event_id, **named)
        if not force:
            from usher.checking import check

            check(run, client, written, topic)
        accepted = client.send(calls.publish(written, topic))
        run.out.answer(accepted, views.accepted(accepted, source))
