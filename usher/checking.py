"""Asks what would become of an event before it is sent, and refuses what would be dead-lettered."""

from contracts import calls
from contracts.disposition import Disposition
from contracts.http import Explanation
from usher.client import Client
from usher.errors import CommandError, Refused
from usher.session import Session


def check(run: Session, client: Client, event: bytes, topic: str | None = None) -> None:
    """Raise `Refused` if the event would be dead-lettered, also by only one of its routes.

    Prints what a person may not expect. If the orchestrator does not answer, nothing is checked:
    the broker keeps the event until it is back.
    """
    try:
        told = client.send(calls.explain(event, topic))
    except Refused:
        raise
    except CommandError as unknown:
        run.out.progress(f"Not checked before it is sent: {unknown.title}")
        return
    of_each = told.routes or [told]
    refused = [one for one in of_each if one.disposition == Disposition.DEAD_LETTERED]
    if refused:
        reasons = " and ".join(dict.fromkeys(str(one.reason) for one in refused))
        raise Refused(
            f"Not sent: it would be dead-lettered as {reasons}.",
            "--force sends it all the same.",
            [{"field": one.field or "", "message": _message(one)} for one in refused],
            str(refused[0].reason),
        )
    for one in of_each:
        if note := _note(one):
            run.out.progress(note)


def _message(one: Explanation) -> str:
    message = one.message or "no reason is given"
    return f"{message} (route {one.route})" if one.route else message


def _note(told: Explanation) -> str | None:
    if told.disposition == Disposition.PARKED:
        held = "The start is held" if told.until else f"{told.instance_id} takes no events yet"
        return f"{held}: the event waits{f' until {told.until}' if told.until else ''}."
    if told.disposition == Disposition.DUPLICATE:
        return f"It was served before, as {told.known}: nothing is done a second time."
    if told.disposition == "unrouted":
        why = "; ".join(f"{name}: {reason}" for name, reason in (told.not_matched or {}).items())
        return f"No route is for it{f': {why}' if why else ''}."
    return None
