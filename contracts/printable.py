"""Escapes characters in untrusted text that would end a line or control a terminal.

It uses JSON's escapes, so JSON text keeps its meaning.
"""

import json
import re

_C0 = "\x00-\x1f"
_UNSEEN = (
    "\x7f-\x9f"  # delete, and C1 controls
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"  # tags
    "\ud800-\udfff"  # halves of surrogate pairs
)
"""Characters that end a line, change the direction of text, or are invisible."""
_HARMFUL = re.compile(f"[{_C0}{_UNSEEN}]")
_BUT_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_UNSEEN}]")


def one_line(text: str) -> str:
    """Return text on one line: line breaks are escaped too."""
    return _HARMFUL.sub(_escaped, text)


def lines(text: str) -> str:
    """Return text with its line breaks kept."""
    return _BUT_LINES.sub(_escaped, text)


def as_json(value: object) -> str:
    """Return a JSON value as indented text."""
    return lines(json.dumps(value, ensure_ascii=False, indent=2))


def _escaped(found: re.Match[str]) -> str:
    """Return a character as a JSON escape."""
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"
