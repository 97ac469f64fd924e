"""When an event expires: by the attributes that its sender, or the sidecar on its way, gave it.

A sidecar that is told `ttlInSeconds` on a publish stamps `expiration`. Senders of whole CloudEvents
may write it, `expirytime` (the CloudEvents extension), or `ttlinseconds`, which counts from `time`.
A sidecar gives each event a `time`; without one it counts from when the event is looked at.
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
"""Seconds, some 30 years: a longer time to live is cut to this, so that it can be added up."""


@dataclass(frozen=True)
class Deadline:
    """Until when an event is worth serving, and which attribute says so."""

    field: str
    at: datetime

    def passed(self, now: datetime) -> Refused | None:
        """Return the refusal of an event that comes too late; None for one in time."""
        if now < self.at:
            return None
        message = f"the event expired at {self.at.isoformat()}, it is {now.isoformat()} now"
        return Refused(Reason.EXPIRED, message, self.field)


def is_bounded(event: CloudEvent) -> bool:
    """Tell whether an event has anything that says until when."""
    return not _BOUNDS.isdisjoint(event.attributes)


def deadline(event: CloudEvent, now: datetime) -> Deadline | None:
    """Return the earliest deadline that an event has, None where it has none.

    Raises `Refused` where an attribute cannot be read: it was to bound the event, so to serve the
    event whenever it comes would be wrong, and so would be to let it go.
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
    return min(found, key=lambda one: one.at, default=None)


def _time(name: str, value: Any) -> datetime:
    try:
        if isinstance(value, str) and _RFC3339.fullmatch(value):
            return datetime.fromisoformat(value.upper())
    except ValueError:
        pass
    message = f"must be a time such as 2030-01-31T08:00:00Z, not {value!r}"
    raise Refused(Reason.INVALID_EVENT, message, name)


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
