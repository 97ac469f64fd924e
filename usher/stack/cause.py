"""Finds in what a process printed why it does not start: the words of its last attempt alone."""

import re
from pathlib import Path

from usher.stack.tail import lines_since

_DAPR = re.compile(r'level=(?P<level>\w+) .*?msg="(?P<said>(?:[^"\\]|\\.)*)"')
_REDIS = re.compile(r"^(\d+:\w .*)?# (?P<said>.*)|^\*\*\* (?P<fatal>FATAL.*)")
_UVICORN = re.compile(r"^(INFO|ERROR): {4}")
_MOST_LINES = 12


def why(log: Path, since: int) -> str:
    """Return why the process ended that has printed into `log` from the byte `since` on."""
    lines = [line for line in lines_since(log, since) if line.strip()]
    return "\n".join(_go(lines) or _python(lines) or _redis(lines) or _last(lines)[-3:])


def _go(lines: list[str]) -> list[str]:
    """Of the Dapr programs: the last fatal line, else the last error."""
    told = [found for line in lines if (found := _DAPR.search(line))]
    for level in ("fatal", "error"):
        if said := [one["said"] for one in told if one["level"] == level]:
            return [said[-1].replace('\\"', '"').replace("\\n", "\n")]
    return []


def _python(lines: list[str]) -> list[str]:
    """Of our services: the exception that ended the last attempt, without where it came from."""
    begins = [n for n, line in enumerate(lines) if line.startswith("Traceback (most recent")]
    if not begins:
        return []
    after = lines[begins[-1] + 1 :]
    raised = next((n for n, line in enumerate(after) if not line.startswith(" ")), len(after))
    said = [line for line in after[raised:] if not _UVICORN.match(line)]
    return said[:_MOST_LINES]


def _redis(lines: list[str]) -> list[str]:
    """Of Redis: its last warning, or what it says of its configuration and the line it is in."""
    for n, line in reversed(list(enumerate(lines))):
        if (found := _REDIS.match(line)) and not (found["said"] or "").startswith("oO0O"):
            return [found["said"]] if found["said"] else lines[n : n + 4]
    return []


def _last(lines: list[str]) -> list[str]:
    """Return the last attempt's lines, where each attempt has printed the same."""
    for count in range(1, len(lines) // 2 + 1):
        if lines[-count:] == lines[-2 * count : -count]:
            return lines[-count:]
    return lines[-_MOST_LINES:]
