"""Finds in a process's log why it does not start. Only its last attempt counts."""

import re
from pathlib import Path

from usher.stack.tail import lines_since

_DAPR = re.compile(r'level=(?P<level>\w+) .*?msg="(?P<message>(?:[^"\\]|\\.)*)"')
_REDIS = re.compile(r"^(\d+:\w .*)?# (?P<message>.*)|^\*\*\* (?P<fatal>FATAL.*)")
_UVICORN = re.compile(r"^(INFO|ERROR): {4}")
_MOST_LINES = 12


def why(log: Path, since: int) -> str:
    """Return why a process ended, from what it printed into `log` after the byte `since`."""
    lines = [line for line in lines_since(log, since) if line.strip()]
    return "\n".join(_dapr(lines) or _python(lines) or _redis(lines) or _last(lines)[-3:])


def _dapr(lines: list[str]) -> list[str]:
    """Return the last fatal line of a Dapr program, or its last error."""
    logged = [found for line in lines if (found := _DAPR.search(line))]
    for level in ("fatal", "error"):
        if messages := [found["message"] for found in logged if found["level"] == level]:
            return [messages[-1].replace('\\"', '"').replace("\\n", "\n")]
    return []


def _python(lines: list[str]) -> list[str]:
    """Return the last exception of a service, without its traceback."""
    begins = [n for n, line in enumerate(lines) if line.startswith("Traceback (most recent")]
    if not begins:
        return []
    after = lines[begins[-1] + 1 :]
    raised = next((n for n, line in enumerate(after) if not line.startswith(" ")), len(after))
    return [line for line in after[raised:] if not _UVICORN.match(line)][:_MOST_LINES]


def _redis(lines: list[str]) -> list[str]:
    """Return the last warning of Redis, or its configuration error with the wrong line."""
    for n, line in reversed(list(enumerate(lines))):
        if (found := _REDIS.match(line)) and not (found["message"] or "").startswith("oO0O"):
            return [found["message"]] if found["message"] else lines[n : n + 4]
    return []


def _last(lines: list[str]) -> list[str]:
    """Return the lines of the last attempt if each attempt printed the same, else the last 12."""
    for count in range(1, len(lines) // 2 + 1):
        if lines[-count:] == lines[-2 * count : -count]:
            return lines[-count:]
    return lines[-_MOST_LINES:]
