"""Reads an entry as the broker holds it: whatever it is becomes an event, with what is wrong of it.

A topic that strangers publish to is subscribed raw. What a sidecar cannot decode it would try again
without end, and what it does decode loses: large numbers become floats, and data without a content
type are dropped.
"""

import base64
import json
import re
from typing import Any

from contracts import strict_json
from contracts.cloudevent import ENVELOPE, JSON, CloudEvent
from contracts.events import Reason
from contracts.refusal import Refused

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]', re.DOTALL)
_BLANK = b" \t\r\n"


def read_entry(entry: bytes) -> CloudEvent:
    """Return the event that an entry holds; `identified()` raises what makes it none.

    `body` is the data as they were written, so that nothing of them is lost on the way.
    """
    members = _members(entry)
    if members is None:
        flaw = Refused(Reason.INVALID_JSON, "the entry is not a CloudEvent in JSON", "data")
        return CloudEvent("", "", "", entry, flaw=flaw)
    content_type = _text(members.get("datacontenttype", b"")) or JSON
    body, wrong = _body(members, content_type)
    return CloudEvent(
        id=_text(members.get("id", b"")),
        source=_text(members.get("source", b"")),
        type=_text(members.get("type", b"")),
        body=body,
        datacontenttype=content_type,
        attributes={k: _value(v) for k, v in members.items() if k not in ENVELOPE and v != b"null"},
        flaw=wrong,
    )


def read_batch(array: bytes) -> list[bytes]:
    """Split a JSON array into its elements, each as it is written."""
    text = array.strip(_BLANK)
    found: list[bytes] = []
    begin, depth = 1, 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        depth += (mark in (b"{", b"[")) - (mark in (b"}", b"]"))
        if (depth, mark) in ((1, b","), (0, b"]")):
            found.append(text[begin : token.start()].strip(_BLANK))
            begin = token.end()
    return [element for element in found if element]


def _members(entry: bytes) -> dict[str, bytes] | None:
    """Split a JSON object into its members, values as they are written; None where it is none.

    The values are not looked into, so one that is no JSON leaves the others readable.
    """
    text = entry.strip(_BLANK)
    members: dict[str, bytes] = {}
    name, begin, depth = "", 1, 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        depth += (mark in (b"{", b"[")) - (mark in (b"}", b"]"))
        if depth == 1 and mark == b":" and not name:
            name, begin = _text(text[begin : token.start()]), token.end()
        elif (depth, mark) in ((1, b","), (0, b"}")):
            if name:
                members[name] = text[begin : token.start()].strip(_BLANK)
            name, begin = "", token.end()
        if depth == 0:
            break
    return members if text[:1] == b"{" and depth == 0 and begin == len(text) else None


def _text(raw: bytes) -> str:
    """Read a JSON string; empty where it is none, or one that cannot be written again."""
    try:
        value = json.loads(raw)
        return str(value.encode(), "utf-8") if isinstance(value, str) else ""
    except (ValueError, RecursionError):
        return ""


def _value(raw: bytes) -> Any:
    try:
        return strict_json.loads(raw)
    except Refused:
        return raw.decode(errors="replace")


def _body(members: dict[str, bytes], content_type: str) -> tuple[bytes, Refused | None]:
    encoded = members.get("data_base64", b"null")
    if encoded != b"null":
        try:
            return base64.b64decode(_text(encoded) or "?", validate=True), None
        except ValueError as error:
            message = f"must be base64: {error}"
            return encoded, Refused(Reason.INVALID_EVENT, message, "data_base64")
    data = members.get("data", b"null")
    if data == b"null":
        return b"", None
    kind = content_type.partition(";")[0].strip().lower()
    is_json = kind == JSON or kind.endswith("+json")
    return data if is_json or not data.startswith(b'"') else _text(data).encode(), None
