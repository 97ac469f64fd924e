"""Reads a raw entry of a topic: any bytes become an event, with a flaw if something is wrong.

Subscriptions are raw. A sidecar would retry without end what it cannot decode. In what it can
decode, it would turn large numbers into floats, and lose data without a content type.

The work is linear in the length of an entry, whatever it holds. The scanner of `json` skips values;
a pattern without backtracking skips values that are not JSON. An entry that is too large to be
served is not parsed; its id and source are read if a bounded scan finds them.
"""

import base64
import json
import re
from contextlib import suppress
from typing import Any

from contracts import strict_json
from contracts.cloudevent import ENVELOPE, JSON, CloudEvent, is_json
from contracts.events import Reason
from contracts.limits import MAX_ENTRY_BYTES, MAX_MEMBERS, MAX_NAME_LENGTH
from contracts.refusal import Refused

_BLANK = " \t\r\n"
_SCANNER = json.JSONDecoder()
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+'
"""A string. An unterminated string matches too, up to the end of the text."""
_NAME = re.compile(rf"[{_BLANK}]*+({_STRING})[{_BLANK}]*+:[{_BLANK}]*+", re.DOTALL)
"""A member's name, up to its value."""
_AFTER = re.compile(rf"[{_BLANK}]*+(?:,[{_BLANK}]*+|(?=}}))")
"""The separator after a value."""
_ELEMENT = re.compile(rf"[{_BLANK}]*+,?[{_BLANK}]*+")
_MARK = re.compile(rf"{_STRING}|[{{}}\[\],]", re.DOTALL)
_BRACKETS = re.compile(rf'(?:[^"{{}}\[\]]++|{_STRING})*+([{{\[]++|[}}\]]++)', re.DOTALL)
"""The next brackets of one kind, and everything before them."""
_DATA = frozenset(("data", "data_base64"))
_MOST_MARKS = 50_000
"""How many marks are scanned in values that are not JSON or too large, to find their end."""


class _Broken(Exception):
    """The entry is not a complete JSON object. Members found so far may still be used."""

    def __init__(self, why: str = "", reason: Reason = Reason.INVALID_JSON) -> None:
        self.why = Refused(reason, why or "the entry is not a CloudEvent in JSON", "data")


def read_entry(entry: bytes, most: int = MAX_ENTRY_BYTES) -> CloudEvent:
    """Return the event in an entry. If it is not valid, `identified()` raises the reason.

    `body` is the data as written, so that nothing is lost. The event of an entry of more than
    `most` bytes has the flaw `oversize`.
    """
    members: dict[str, str] = {}
    fits = len(entry) <= most
    flaw = None if fits else Refused(Reason.OVERSIZE, _too_large(entry, most), "data")
    try:
        text = entry.decode(errors="surrogateescape").strip(_BLANK)
        _read_members(text, members, scan=fits)
    except _Broken as broken:
        if fits and broken.why.reason is Reason.INVALID_JSON:
            members = {}
        members = {k: v for k, v in members.items() if k not in _DATA}
        flaw = flaw or broken.why
    content_type = _text(members.get("datacontenttype", "")) or JSON
    unread = flaw is not None and _DATA.isdisjoint(members)
    body, wrong = (entry, None) if unread else _body(members, content_type)
    return CloudEvent(
        id=_name(members, "id", fits),
        source=_name(members, "source", fits),
        type=_name(members, "type", fits),
        body=body,
        datacontenttype=content_type,
        attributes=_attributes(members, fits),
        flaw=flaw or wrong,
    )


def is_cloudevent(entry: bytes) -> bool:
    """Return whether an entry is a JSON object with the member `specversion`."""
    members: dict[str, str] = {}
    if b'"specversion"' in entry:
        with suppress(_Broken):
            text = entry.decode(errors="surrogateescape").strip(_BLANK)
            _read_members(text, members, scan=len(entry) <= MAX_ENTRY_BYTES)
    return "specversion" in members


def read_batch(array: bytes) -> list[bytes]:
    """Split a JSON array into its elements, as written. Raises `ValueError`."""
    text = array.decode().strip(_BLANK)
    found: list[bytes] = []
    at = 1
    while (begin := _end(_ELEMENT, text, at)) < len(text) - 1:
        _, at = _SCANNER.raw_decode(text, begin)
        found.append(text[begin:at].encode())
    return found


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return where a match of `pattern` at `at` ends; `at` if there is none."""
    found = pattern.match(text, at)
    return found.end() if found else at


def _too_large(entry: bytes, most: int) -> str:
    return f"the entry is {len(entry):,} bytes; the limit is {most:,}"


def _read_members(text: str, members: dict[str, str], *, scan: bool) -> None:
    """Add the members of a JSON object to `members`, values as written. Raises `_Broken`.

    A value that is not JSON leaves the others readable. Without `scan`, values are not parsed.
    """
    if text[:1] != "{":
        raise _Broken
    at, left = 1, _MOST_MARKS
    while found := _NAME.match(text, at):
        name, begin = found[1][1:-1], found.end()
        try:
            end = _SCANNER.raw_decode(text, begin)[1] if scan else -1
        except (ValueError, RecursionError):
            end = -1
        after = _AFTER.match(text, end) if end > 0 else None
        if after is None:  # not JSON: skip it
            end, left = _skipped(text, begin, left)
            after = _AFTER.match(text, end)
        if not (name.isalnum() and name.isascii()):
            name = _text(found[1])
        members[name] = text[begin:end].strip(_BLANK)
        if len(members) > MAX_MEMBERS:
            why = f"a CloudEvent has at most {MAX_MEMBERS} members; this one has more"
            raise _Broken(why, Reason.INVALID_EVENT)
        at = after.end() if after else end
    members.pop("", None)
    if text[at:].strip(_BLANK) != "}":
        raise _Broken


def _skipped(text: str, at: int, left: int) -> tuple[int, int]:
    """Return where the value at `at` ends, and how many marks may still be scanned."""
    depth = 0
    while left > 0:
        left -= 1
        found = _BRACKETS.match(text, at) if depth else _MARK.search(text, at)
        if found is None:
            break
        mark, width = (found[1], len(found[1])) if depth else (found[0], 1)
        if not depth and mark in ",}]":
            return found.start(), left
        if mark[0] in "{[":
            depth += width
        elif mark[0] in "}]":
            if width > depth:
                return found.end() - width + depth, left
            depth -= width
        at = found.end()
    raise _Broken


def _text(raw: str) -> str:
    """Return the JSON string in `raw`; empty if `raw` is no string or cannot be encoded."""
    if raw[:1] != '"':
        return ""
    try:
        value = json.loads(raw)
        return str(value.encode(), "utf-8") if isinstance(value, str) else ""
    except ValueError:
        return ""


def _name(members: dict[str, str], name: str, fits: bool) -> str:
    """Return an id, source or type. A long value in an entry that is too large is not read."""
    raw = members.get(name, "")
    return _text(raw) if fits or len(raw) <= MAX_NAME_LENGTH else ""


def _attributes(members: dict[str, str], fits: bool) -> dict[str, Any]:
    own = {k: v for k, v in members.items() if k not in ENVELOPE and v != "null"}
    return {k: _value(v) for k, v in own.items() if fits or len(k) + len(v) <= MAX_NAME_LENGTH}


def _bytes(raw: str) -> bytes:
    return raw.encode(errors="surrogateescape")


def _value(raw: str) -> Any:
    try:
        return strict_json.loads(_bytes(raw))
    except Refused:
        return _bytes(raw).decode(errors="replace")


def _body(members: dict[str, str], content_type: str) -> tuple[bytes, Refused | None]:
    encoded = members.get("data_base64", "null")
    if encoded != "null":
        try:
            return base64.b64decode(_text(encoded) or "?", validate=True), None
        except ValueError as error:
            message = f"must be base64: {error}"
            return _bytes(encoded), Refused(Reason.INVALID_EVENT, message, "data_base64")
    data = members.get("data", "null")
    if data == "null":
        return b"", None
    as_written = is_json(content_type) or not data.startswith('"')
    return _bytes(data) if as_written else _text(data).encode(), None
