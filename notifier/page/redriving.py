"""Redrives dead letters through the starter: one, or all that a filter shows.

It publishes first and marks second. After a crash between the two, the page offers the dead letter
again, and a second redrive of the same attempt changes nothing.
"""

import time
from collections import Counter

from contracts.redrive import cloudevent, impossible
from notifier.page.feed import Filters
from notifier.routes import redriven
from notifier.service import Notifier
from notifier.service_clients import Away
from notifier.store import Record

MOST, RATE = 250, 50
"""How many are sent at one press, the oldest first, and per second, as in `usher redrive`."""


class NotSent(Exception):
    """The starter refused the event. The message says why."""


def can_redrive(letter: Record) -> bool:
    """Return whether a dead letter can be redriven and was not."""
    return not letter.get("redriven_at") and impossible(letter) is None


def redrivable(service: Notifier, filters: Filters) -> list[Record]:
    """Return the dead letters that pass the filters and can be redriven, the oldest first."""
    letters = service.dead_letters.each()
    return [each for each in letters if filters.wants_letter(each) and can_redrive(each)][::-1]


def send(service: Notifier, letter: Record) -> str:
    """Redrive a dead letter; return its instance id. Raises `NotSent` and `Away`."""
    answer = service.starter.publish(cloudevent(letter))
    if "instance_id" not in answer:
        raise NotSent(str(answer.get("detail") or answer.get("title") or answer))
    redriven(service, letter["id"], letter["attempts"])
    return str(answer["instance_id"])


def preview(service: Notifier, letters: list[Record]) -> str:
    """Return what a redrive of these would do. Nothing is changed. Raises `Away`."""
    chosen = letters[:MOST]
    explained = (service.orchestrator.explain(cloudevent(letter)) for letter in chosen)
    found = Counter(str(answer.get("disposition", "unknown")) for answer in explained)
    counts = ", ".join(f"{n} {what.replace('_', '-')}" for what, n in found.most_common())
    later = f" The oldest {MOST} of {len(letters):,} go first." if len(letters) > MOST else ""
    return f"{len(chosen)} would be sent again: {counts or 'none'}.{later} Nothing was done."


def send_all(service: Notifier, letters: list[Record]) -> tuple[bool, str]:
    """Redrive these; return whether all were accepted, and a summary for people."""
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
