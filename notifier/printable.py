"""Makes text of strangers harmless to look at: what would end a line or turn it around is named."""

import json
import re

# C0 and C1 controls, separators, marks that turn the direction of text, halves of surrogate pairs:
# what would end the line, or make a terminal act. As \uXXXX it is right in JSON too.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BUT_LINES = re.compile(_HARMFUL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def one_line(text: str) -> str:
    """Return text that stays on its line."""
    return _HARMFUL.sub(_escaped, text)


def lines(text: str) -> str:
    """Return text that may have several lines."""
    return _BUT_LINES.sub(_escaped, text)


def as_json(value: object) -> str:
    """Return any JSON value as text, indented."""
    return lines(json.dumps(value, ensure_ascii=False, indent=2))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
