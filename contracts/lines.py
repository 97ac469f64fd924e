"""One line for people for each notice and dead letter: how a run ended, what was not served."""

import json

from contracts.printable import one_line
from contracts.records import DeadLetter, Notice
from contracts.refusal import with_field


def notice_line(notice: Notice) -> str:
    """Return how a workflow ended."""
    text = json.dumps(notice.output, ensure_ascii=False)
    if notice.error:
        text = f"{notice.error.type}: {notice.error.message}"
    return one_line(
        f"{notice.finished_at:%H:%M:%S} {notice.outcome:<10} {notice.workflow} "
        f"{notice.instance_id} {notice.duration_s:.2f}s {text}"
    )


def letter_line(letter: DeadLetter) -> str:
    """Return which event could not be served, and why."""
    route = f" for route {letter.route}" if letter.route else ""
    return one_line(
        f"{letter.last_seen:%H:%M:%S} DEAD       {letter.reason} on {letter.topic}{route}"
        f" {with_field(letter.field, letter.message)} (event {letter.event.id})"
    )
