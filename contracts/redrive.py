"""A redrive: the event to send for a dead letter, for the page and the command line alike."""

import json
import re
from typing import Any

from contracts import expiry
from contracts.cloudevent import ATTRIBUTE, ENVELOPE
from contracts.events import TICK_TYPE, Reason
from contracts.limits import MAX_DATA_BYTES
from contracts.records import DeadLetter
from contracts.topics import Topic

EXTENSION = "redrive"
"""The CloudEvents extension that says which attempt of a dead letter a redrive answers."""

ROUTE = "redriveroute"
"""The CloudEvents extension that names the route of the dead letter: other routes leave it."""

_MOST_BASE64 = 4 * (MAX_DATA_BYTES // 3 + 1)
_STALE = (*expiry.TIMES, *expiry.TTLS, "topic", "pubsubname")
"""Attributes that a redrive leaves out. A person decides that the event is wanted now, so its old
deadline does not count."""


def impossible(letter: DeadLetter) -> str | None:
    """Return why the event of a dead letter cannot be sent again; None if it can."""
    event = letter.event
    if not (event.id and event.source):
        return "the event has no id and source"
    if event.data_bytes:
        return "its data was too large to be kept; publish the event again"
    if len(event.data_base64 or "") > _MOST_BASE64:
        return f"its data is larger than {MAX_DATA_BYTES:,} bytes"
    if letter.reason == Reason.EXPIRED:
        return "it has expired; publish the event again"
    if event.type == TICK_TYPE:
        return "it is a tick of a schedule, on no topic; start its workflow with `usher publish`"
    if letter.topic == Topic.COMPLETIONS:
        return f"only the orchestrator publishes to {letter.topic}"
    if letter.topic not in (Topic.REQUESTS, Topic.EVENTS) and not letter.route:
        return f"it is not a request or an event: it came on {letter.topic}"
    return None


def cloudevent(letter: DeadLetter) -> bytes:
    """Return the original event, marked as the redrive of this dead letter.

    If another event has its source and id, it gets the id of the dead letter. Topics may carry
    attribute names that CloudEvents and the starter do not allow; those are left out.
    """
    named = {
        name: value if name in ENVELOPE else _attribute(value)
        for name, value in letter.event.model_dump(mode="json", exclude_unset=True).items()
        if value not in (None, "") and name not in _STALE
        if name in ENVELOPE or re.fullmatch(ATTRIBUTE, name)
    }
    if "data_base64" in named:  # the exact bytes; `data` is for readers
        named.pop("data", None)
    kind = named.get("type", "usher.redriven")
    marked = {**named, "type": kind, "specversion": "1.0", EXTENSION: str(letter.attempts)}
    if letter.route:
        marked[ROUTE] = letter.route
    if letter.reason == Reason.IDENTITY_REUSED:  # its own id belongs to another event
        marked["id"] = letter.id
    return json.dumps(marked).encode()


def _attribute(value: Any) -> str | int | bool:
    """Return a value that CloudEvents allows: a string, integer or boolean, else its JSON."""
    return value if isinstance(value, str | int | bool) else json.dumps(value)
