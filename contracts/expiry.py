"""The deadline of an event, from attributes that its sender or a sidecar has set.

A sidecar sets `expiration` if a publish has `ttlInSeconds`. Senders of whole CloudEvents may set it
themselves, or `expirytime` (the CloudEvents extension), or `ttlinseconds`, which counts from
`time`. A sidecar gives each event a `time`; without it, the count starts when the event is read.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.refusal import Refused

TIMES = ("expiration", "expirytime")
TTLS = ("ttlinseconds", "ttlInSeconds")
_BOUNDS = frozenset((*TIMES, *TTLS))
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.I)
_NUMBER = re.compile(r"\d+(\.\d+)?")
_LONGEST = 10**9
"""The longest time to live, in seconds (some 30 years). Longer ones are cut, to avoid overflow."""


@dataclass(frozen=True)
class Deadline:
    """When an event expires, and the attribute that says so."""

    field: str
    at: datetime

    def passed(self, now: datetime) -> Refused | None:
        """Return the refusal of an expired event; None if it has not expired."""
        if now < self.at:
            return None
        message = f"the event expired at {self.at.isoformat()}; it is {now.isoformat()} now"
        return Refused(Reason.EXPIRED, message, self.field)


def deadline(event: CloudEvent, now: datetime) -> Deadline | None:
    """Return the earliest deadline of an event; None if it has none.

    Raises `Refused` if an attribute cannot be read. Its sender wanted a deadline, so serving the
    event at any time would be wrong, and so would dropping it.
    """
    if _BOUNDS.isdisjoint(event.attributes):
        return None
    given = {k: v for k, v in event.attributes.items() if v not in (None, "")}
    found = [Deadline(name, _time(name, given[name])) for name in TIMES if name in given]
    for name in TTLS:
        if name in given:
            seconds = _seconds(name, given[name])
            begin = _time("time", given["time"]) if "time" in given else now
            found.append(Deadline(name, _later(begin, seconds)))
    return min(found, key=lambda item: item.at, default=None)


def rfc3339(value: Any) -> datetime:
    """Return the time in a text; raise `ValueError` if it is none."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError(f"must be a time such as 2030-01-31T08:00:00Z, not {value!r}")
    return datetime.fromisoformat(value.upper())


def _time(name: str, value: Any) -> datetime:
    try:
        return rfc3339(value)
    except ValueError as error:
        message = f"must be a time such as 2030-01-31T08:00:00Z, not {value!r}"
        raise Refused(Reason.INVALID_EVENT, message, name) from error


def _seconds(name: str, value: Any) -> float:
    if not isinstance(value, bool) and _NUMBER.fullmatch(str(value)):
        return min(float(value), _LONGEST)
    message = f"must be a number of seconds, 0 or more, not {value!r}"
    raise Refused(Reason.INVALID_EVENT, message, name)


def _later(time: datetime, seconds: float) -> datetime:
    try:
        return time + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=time.tzinfo)
