"""Sends dead letters again, through the starter: one, or all that a filter shows.

Published first, noted second: a crash between the two offers it once more, and a redrive of the
same dead letter twice does nothing twice.
"""

import time
from collections import Counter

from contracts.redrive import cloudevent, impossible
from notifier.neighbours import Away
from notifier.page.feed import Filters
from notifier.routes import redriven
from notifier.service import Notifier
from notifier.store import Record

MOST, RATE = 250, 50
"""So many are sent at one press, the oldest first; and so many a second, as `usher redrive`."""


class NotSent(Exception):
    """The starter refused the event; says why."""


def open_letter(letter: Record) -> bool:
    """Tell whether a dead letter can be sent again, and was not."""
    return not letter.get("redriven_at") and impossible(letter) is None


def shown(service: Notifier, filters: Filters) -> list[Record]:
    """Return what the filters show and can be sent again, the oldest first."""
    every = service.dead_letters.each()
    return [one for one in every if filters.wants_letter(one) and open_letter(one)][::-1]


def send(service: Notifier, letter: Record) -> str:
    """Send one; return the instance it is for. Raises `NotSent` and `Away`."""
    told = service.starter.publish(cloudevent(letter))
    if "instance_id" not in told:
        raise NotSent(str(told.get("detail") or told.get("title") or told))
    redriven(service, letter["id"], letter["attempts"])
    return str(told["instance_id"])


def preview(service: Notifier, letters: list[Record]) -> str:
    """Say what would become of them; nothing is done. Raises `Away`."""
    chosen = letters[:MOST]
    explained = (service.orchestrator.explain(cloudevent(one)) for one in chosen)
    would = Counter(str(one.get("disposition", "unknown")) for one in explained)
    told = ", ".join(f"{n} {what.replace('_', '-')}" for what, n in would.most_common())
    later = f" The oldest {MOST} of {len(letters):,} go first." if len(letters) > MOST else ""
    return f"{len(chosen)} would be sent again: {told or 'none'}.{later} Nothing was done."


def send_all(service: Notifier, letters: list[Record]) -> tuple[bool, str]:
    """Send them; tell whether all went well, and what was done."""
    sent = refused = 0
    away = ""
    for letter in letters[:MOST]:
        try:
            send(service, letter)
            sent += 1
        except NotSent:
            refused += 1
        except Away as error:
            away = f" Then: {error}"
            break
        time.sleep(1 / RATE)
    left = len(letters) - sent - refused
    rest = f", {left:,} are left" if left else ""
    no = f", {refused} were refused" if refused else ""
    return not (refused or away), f"{sent} sent again{no}{rest}.{away}"
