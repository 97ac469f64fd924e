"""The commands that publish control events: terminate, suspend, resume, purge."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from usher.errors import BadInput, Exit
from usher.session import session
from usher.terminal import views
from usher.terminal.arguments import Force, Json, Status
from usher.terminal.help import examples

if TYPE_CHECKING:
    from rich.console import RenderableType

    from usher.controlling import Controlled

app = typer.Typer()

_OPEN = (Status.PENDING, Status.RUNNING, Status.SUSPENDED, Status.STALLED)
_ENDED = (Status.COMPLETED, Status.FAILED, Status.TERMINATED)


def _command(control: str, done: str, fit: tuple[Status, ...], what: str) -> None:
    """Make the command of one control, for instances that have one of the statuses in `fit`."""

    @app.command(
        control,
        help=f"{what}\n\nWith --workflow, --prefix or --status it is for every instance that fits; "
        "without --yes it only shows them.",
        epilog=examples(
            f"usher {control} trip-1",
            f'usher {control} trip-1 --reason "booked elsewhere"',
            f"usher {control} --workflow approval_workflow --prefix trip- --yes",
        ),
    )
    def run_it(
        ctx: typer.Context,
        instance: Annotated[str | None, typer.Argument(help="Id of the instance.")] = None,
        workflow: Annotated[str | None, typer.Option(help="All of this workflow.")] = None,
        prefix: Annotated[str | None, typer.Option(help="All whose id begins so.")] = None,
        status: Annotated[
            Status | None, typer.Option(case_sensitive=False, help="All with this status.")
        ] = None,
        reason: Annotated[str | None, typer.Option(help="Why; it is kept with the event.")] = None,
        event_id: Annotated[
            str | None, typer.Option("--id", help="Id of the control event of one instance.")
        ] = None,
        yes: Annotated[bool, typer.Option("--yes", help="Do it for all that fit.")] = False,
        force: Force = False,
        as_json: Json = False,
    ) -> None:
        refused = 0
        with session(ctx, as_json) as run, run.client() as client:
            if (instance is None) == (workflow is prefix is status is None):
                raise BadInput("Name one INSTANCE, or say which: --workflow, --prefix, --status.")
            if status not in (None, *fit):
                raise BadInput(f"--status: {control} is for instances that are {', '.join(fit)}.")
            from usher.controlling import Controlled, Controller, Fitting

            controller = Controller(client, control, reason)
            if instance is not None:
                accepted = controller.one(run, instance, event_id, force)
                run.out.answer(accepted, views.accepted(accepted))
                return
            if event_id is not None:
                raise BadInput("--id is of one event: name one INSTANCE with it.")
            chosen = Fitting((status,) if status else fit, workflow, prefix)
            found = list(chosen.find(client))
            items = [*controller.each(found)] if yes else [Controlled(one) for one in found]
            refused = sum(one.refused is not None for one in items)
            title = f"{len(items)} would be {done}; --yes does it"
            if yes:
                title = f"{len(items) - refused} will be {done}"
            document = {"dry_run": not yes, "items": [one.as_json() for one in items]}
            run.out.answer(document, _listed(items, title))
        if refused:
            raise typer.Exit(Exit.REFUSED)


def _listed(items: "Sequence[Controlled]", title: str) -> "RenderableType":
    columns = ("instance_id", "workflow", "status", "message")
    rows = [tuple(one.as_json().values()) for one in items]
    return views.filled_table(columns, rows, title, empty="No instance fits.")


_command(
    "terminate",
    "terminated",
    _OPEN,
    "Terminate an instance, also a STALLED one. Its completion event says TERMINATED.",
)
_command(
    "suspend",
    "suspended",
    (Status.PENDING, Status.RUNNING),
    "Suspend an instance: it does nothing until it is resumed. Its events wait for it.",
)
_command("resume", "resumed", (Status.SUSPENDED,), "Resume an instance that is suspended.")
_command(
    "purge",
    "purged",
    _ENDED,
    "Purge an instance that has ended: the engine forgets its history. Its notice stays.",
)
