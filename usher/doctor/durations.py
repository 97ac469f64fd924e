"""Durations as Go and Dapr write them: `10s`, `1h30m`, `250ms`, or bare milliseconds.

The package `durationpy` also takes days, weeks, and other text between two parts, as in `1h, 30m`:
Dapr does not, and the doctor has to say so.
"""

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


def seconds(text: str) -> float | None:
    """Return a duration in seconds; a bare number is milliseconds. None for what is none."""
    if text.isdecimal():
        return int(text) / 1000
    if not text or _PART.sub("", text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
