"""The command that publishes a control event for an instance."""

import json
import uuid
from typing import Annotated

import typer

from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Json
from usher.terminal.help import examples

app = typer.Typer()

SOURCE = "/usher/cli"


@app.command(
    epilog=examples("usher terminate trip-1", 'usher terminate trip-1 --reason "booked elsewhere"')
)
def terminate(
    ctx: typer.Context,
    instance: Annotated[str, typer.Argument(help="Id of the instance.")],
    reason: Annotated[str | None, typer.Option(help="Reason in the completion event.")] = None,
    event_id: Annotated[str | None, typer.Option("--id", help="Id of the control event.")] = None,
    as_json: Json = False,
) -> None:
    """Terminate an instance, also a STALLED one. Its completion event says TERMINATED."""
    control = {"instance_id": instance, "control": "terminate", "reason": reason}
    event = {
        "specversion": "1.0",
        "id": event_id or str(uuid.uuid4()),
        "source": SOURCE,
        "type": "usher.command.v1",
        "datacontenttype": "application/json",
        "data": control,
    }
    with session(ctx, as_json) as run, run.client() as client:
        from contracts import calls

        accepted = client.send(calls.publish(json.dumps(event).encode()))
        run.out.answer(accepted, views.accepted(accepted))
