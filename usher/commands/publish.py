"""The commands that publish: a request, which starts a workflow, or an event for an instance."""

import json
import uuid
from typing import Annotated

import typer

from usher.errors import BadInput
from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Json, header_argument, json_argument
from usher.terminal.help import examples

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
    as_json: Json = False,
) -> None:
    """Publish a request, which starts a workflow. Print the ids once the broker has it."""
    with session(ctx, as_json) as run, run.client() as client:
        if key is not None and instance_id is not None:
            raise BadInput("--instance-id and --key both name the instance: give one of them.")
        from contracts import calls

        call = calls.start(
            workflow,
            json_argument("INPUT", payload),
            key=key,
            instance_id=instance_id,
            event_id=header_argument("--id", event_id),
        )
        accepted = client.send(call)
        run.out.answer(accepted, views.accepted(accepted))


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
    as_json: Json = False,
) -> None:
    """Publish an event. The instance that waits for it continues."""
    with session(ctx, as_json) as run, run.client() as client:
        data, given = json_argument("DATA", payload), header_argument("--id", event_id)
        from contracts import calls

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
    as_json: Json = False,
) -> None:
    """Send an event of your own, which routes match. Print its id once the broker has it."""
    with session(ctx, as_json) as run, run.client() as client:
        if not kind:
            raise BadInput("--type is missing: the type of the event, such as com.acme.moved.")
        from contracts import calls

        data = json_argument("DATA", payload)
        head = {
            "specversion": "1.0",
            "id": event_id or str(uuid.uuid4()),
            "source": source or calls.SEND_SOURCE,
            "type": kind,
            "datacontenttype": "application/json",
            **({"subject": subject} if subject else {}),
        }
        written = json.dumps(head).encode()[:-1] + b', "data": ' + (data or b"null") + b"}"
        accepted = client.send(calls.publish(written, topic))
        run.out.answer(accepted, views.accepted(accepted, source))
