"""Schedules of `Every`: five fields of cron in a time zone, and the ticks they give.

Over a change of the clock a schedule does what Debian's cron does. A tick in the hour that is left
out comes right after it, and one in the hour that comes twice comes once. A schedule with `*` or
`*/n` as its minute or hour goes on by the real time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

MOST_MISSED = 1000
"""The most ticks that are made up for. Of more, the oldest are left out and counted as such."""

Missed = Literal["last", "all", "none"]


@dataclass(frozen=True)
class Ticks:
    """The ticks to run now, in order; `left_out` tells whether older ones were missed for good."""

    at: tuple[datetime, ...] = ()
    left_out: bool = False


@dataclass(frozen=True)
class Schedule:
    """A cron text in a time zone. All times that it gives are in UTC."""

    cron: str
    timezone: str = "UTC"

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield each tick after a moment."""
        last = moment.astimezone(UTC)
        for local in CronSim(self.cron, moment.astimezone(self._zone)):
            tick = local.astimezone(UTC)
            if tick > last:
                yield tick
                last = tick

    def missed(self, last: datetime, now: datetime, wanted: Missed = "last") -> Ticks:
        """Return the ticks after `last`, the last known, until `now`, as far as they are wanted.

        A tick of the present minute counts: it is wanted, whatever the route says of missed ones.
        """
        now = now.astimezone(UTC)
        found, complete = self._until(last.astimezone(UTC), now)
        if wanted == "all":
            return Ticks(tuple(found[-MOST_MISSED:]), not complete or len(found) > MOST_MISSED)
        begin = now - timedelta(minutes=1) if wanted == "none" else last
        return Ticks(tuple(tick for tick in found[-1:] if tick > begin), len(found) > 1)

    def _until(self, last: datetime, now: datetime) -> tuple[list[datetime], bool]:
        """Return the newest ticks, more than are made up for, if there are so many."""
        span = timedelta(hours=1)
        while True:
            begin = max(last, now - span)
            found = []
            for tick in self.after(begin):
                if tick > now:
                    break
                found.append(tick)
            if begin == last or len(found) > MOST_MISSED:
                return found, begin == last
            span *= 4


def check_cron(text: str) -> str:
    """Return a cron text; raise `ValueError` if it is none, or never comes true."""
    if len(text.split()) != 5:
        raise ValueError(f"cron has 5 fields, such as `0 9 * * 1-5`; this has {len(text.split())}")
    try:
        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        said = str(error).removeprefix("Bad ")
        raise ValueError(
            f"no cron: the field {said} is wrong; write such as `0 9 * * 1-5`"
        ) from error
    except StopIteration as error:
        raise ValueError("this cron never comes true") from error
    return " ".join(text.split())


def check_timezone(name: str) -> str:
    """Return the name of a time zone; raise `ValueError` with the nearest if there is none."""
    known = available_timezones()
    if name in known:
        return name
    near = get_close_matches(name, sorted(known), 1)
    hint = f"did you mean {near[0]}?" if near else "write one such as Europe/Berlin"
    raise ValueError(f"there is no time zone {name!r}; {hint}")
