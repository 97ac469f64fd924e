"""A redrive: what is sent when a dead-lettered event is sent again, whoever offers to."""

import json
import re
from collections.abc import Mapping
from typing import Any

from contracts import expiry
from contracts.cloudevent import ATTRIBUTE, ENVELOPE
from contracts.events import Reason
from contracts.limits import MAX_DATA_BYTES
from contracts.topics import Topic

EXTENSION = "redrive"
"""The CloudEvents extension that says which dead-lettering of its event a redrive answers."""

_MOST_BASE64 = 4 * (MAX_DATA_BYTES // 3 + 1)
_STALE = (*expiry.TIMES, *expiry.TTLS, "topic", "pubsubname")
"""Attributes that were true when the event was first published. A redrive is a person's decision
that the event is wanted now, so what bounded it then does not bound it again."""


def impossible(letter: Mapping[str, Any]) -> str | None:
    """Say why the event of a dead letter cannot be sent again; None where it can."""
    if not (letter["event"].get("id") and letter["event"].get("source")):
        return "the event has no id and source"
    if letter["event"].get("data_bytes"):
        return "its data were too large to be kept; publish it anew"
    if len(str(letter["event"].get("data_base64") or "")) > _MOST_BASE64:
        return f"its data are more than the {MAX_DATA_BYTES:,} bytes that are served"
    if letter["reason"] == Reason.EXPIRED:
        return "what has expired stays so; publish it anew"
    if letter["topic"] not in (Topic.REQUESTS, Topic.EVENTS):
        return f"it is no request and no event, it came on {letter['topic']}"
    return None


def cloudevent(letter: Mapping[str, Any]) -> bytes:
    """Return the original event as it was, marked as the redrive of this dead letter.

    Where another event has its source and id, it gets the id of the letter. The topics take odder
    attributes than CloudEvents, and than the door: those named otherwise are left out.
    """
    named = {
        name: value if name in ENVELOPE else _attribute(value)
        for name, value in letter["event"].items()
        if value not in (None, "") and name not in _STALE
        if name in ENVELOPE or re.fullmatch(ATTRIBUTE, name)
    }
    if "data_base64" in named:  # the bytes themselves; `data` beside them is for readers
        named.pop("data", None)
    kind = named.get("type", "usher.redriven")
    marked = {**named, "type": kind, "specversion": "1.0", EXTENSION: str(letter["attempts"])}
    if letter.get("reason") == Reason.IDENTITY_REUSED:  # its own id belongs to another event
        marked["id"] = letter["id"]
    return json.dumps(marked).encode()


def _attribute(value: Any) -> str | int | bool:
    """Return a value as CloudEvents has it: what is no text, integer or boolean as its JSON."""
    return value if isinstance(value, str | int | bool) else json.dumps(value)
