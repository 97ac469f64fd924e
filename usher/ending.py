"""Waits until the run that a request started has ended, for `usher publish --wait`."""

from tenacity import Retrying, retry_if_result, stop_after_delay, stop_never, wait_fixed

from contracts import calls
from contracts.disposition import Disposition
from contracts.http import Accepted
from contracts.records import Notice
from usher.client import Client
from usher.errors import NotFound, Refused, TimedOut

LOOK_EVERY_SECONDS = 0.3


def ending_of(client: Client, accepted: Accepted, source: str, seconds: float | None) -> Notice:
    """Return the notice of a run. Raises `Refused` for a dead letter, `TimedOut` after a time."""
    waiting = Retrying(
        stop=stop_never if seconds is None else stop_after_delay(seconds),
        wait=wait_fixed(LOOK_EVERY_SECONDS),
        retry=retry_if_result(lambda found: found is None),
        retry_error_callback=lambda _: None,
    )
    notice: Notice | None = waiting(_look, client, accepted, source)
    if notice is None:
        title = f"{accepted.instance_id} has not ended within {seconds:g} s."
        raise TimedOut(title, f"It goes on: usher status {accepted.instance_id}")
    return notice


def _look(client: Client, accepted: Accepted, source: str) -> Notice | None:
    try:
        record = client.send(calls.event(source, accepted.event_id))
    except NotFound:  # not delivered yet
        return None
    if record.disposition == Disposition.DEAD_LETTERED:
        raise Refused(
            "The request was dead-lettered: nothing was started.",
            f"Why: usher trace {accepted.event_id}",
        )
    found = client.send(calls.notices(1, record.instance_id or accepted.instance_id)).items
    return found[0] if found else None
