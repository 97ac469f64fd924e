"""Who waits for what, which events nobody waits for, and where the two belong together."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from notifier.neighbours import Away, Orchestrator
from notifier.page.feed import addressed
from notifier.store import Record, Shelf
from notifier.timeline import chain

GOOD_FOR = 3
"""How many times as long as it took to find out, what was found is good for; for who watches."""
UNWATCHED = 20
"""The same for the metric alone: the orchestrator lists all instances for it, twice."""
LOOKED_AT = 100
"""So many instances that go on are looked at for the page; it says when there are more."""
LETTERS_FOLLOWED = 50
"""Of those more, so many that the newest dead letters are for are looked at all the same."""


@dataclass
class Overview:
    """The waits, each with what lies aside for it; the events that wait for an instance."""

    waits: list[Record] = field(default_factory=list)
    parked: list[Record] = field(default_factory=list)
    more: bool = False
    away: str = ""
    """Why the orchestrator could not be asked; the rest is from the last time, if any."""
    as_of: datetime | None = None
    """When this was so; None where nothing is known yet."""

    @property
    def marked(self) -> int:
        """How many instances wait for an event that lies aside."""
        return len(
            {wait["instance_id"] for wait in self.waits if wait["parked"] or wait["letters"]}
        )


class Overseer:
    """Puts the orchestrator's answers beside the dead letters; looks for all who watch."""

    def __init__(
        self,
        orchestrator: Orchestrator,
        letters: Shelf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._orchestrator = orchestrator
        self._letters = letters
        self._one_at_a_time = threading.Lock()
        self._last = Overview()
        self._found_at = self._took = 0.0
        self.stalled: list[Record] = []
        """Instances that the engine has stopped, as of the last time that somebody looked."""
        self._stalled_from = 0.0

    def look_for_stalled(self) -> None:
        """Find what has stalled. The orchestrator reads the state of every instance for it, so it
        is asked a twentieth of the time at most. Raises `Away`."""
        began = self._clock()
        if began >= self._stalled_from:
            self.stalled = self._orchestrator.stalled(LOOKED_AT)
            self._stalled_from = self._clock() + UNWATCHED * (self._clock() - began)

    def look(self, good_for: int = GOOD_FOR) -> Overview:
        """Return how things are now; where the orchestrator is away, say so.

        What took a second to find out is good for three: however many watch, the orchestrator is
        asked a quarter of the time at most.
        """
        with self._one_at_a_time:
            began = self._clock()
            rest = self._took * (GOOD_FOR if self._last.away else good_for)
            if began >= self._found_at + rest:
                try:
                    self._last = self._look()
                except Away as away:
                    self._last = replace(self._last, away=str(away))
                self._found_at = self._clock()
                self._took = self._found_at - began
            return self._last

    def _look(self) -> Overview:
        waiting = self._orchestrator.waiting(LOOKED_AT)
        parked = self._orchestrator.parked(LOOKED_AT)
        waits = waiting["items"]
        concerned = waits or waiting["next"]
        each = self._letters.each() if concerned else []
        letters = [one for one in each if not one.get("redriven_at")]
        if waiting["next"]:
            waits += self._left_out(letters, {wait["instance_id"] for wait in waits})
        aside = _by_target((*addressed(letter), letter) for letter in letters)
        listed = _by_target((one["instance_id"], one["event"], one) for one in parked)
        for wait in waits:
            target = _target(wait["instance_id"], wait["event"])
            wait["parked"], wait["letters"] = listed.get(target, []), aside.get(target, [])
        waits.sort(key=lambda wait: (not (wait["parked"] or wait["letters"]), wait["since"]))
        return Overview(waits, parked, more=bool(waiting["next"]), as_of=datetime.now(UTC))

    def _left_out(self, letters: list[Record], seen: set[str]) -> list[Record]:
        """Return the waits of instances that were not looked at, but have dead letters."""
        found = []
        events = (addressed(letter) for letter in letters)
        named = dict.fromkeys(one for one, event in events if one and event and one not in seen)
        for instance_id in islice(named, LETTERS_FOLLOWED):
            instance = self._orchestrator.instance(instance_id)
            for step in chain(instance, self._orchestrator.history(instance_id), None, None):
                if instance and step.waits:
                    about = {name: instance[name] for name in ("workflow", "status")}
                    found.append({**step.wait(instance_id), **about})
        return found


def _target(instance_id: str | None, event: str | None) -> tuple[str, str] | None:
    """Upper and lower case alike: a wait passed over for that alone is what this is to show."""
    return (instance_id.casefold(), event.casefold()) if instance_id and event else None


def _by_target(found: Iterable[tuple[str | None, str | None, Record]]) -> dict[Any, list[Record]]:
    by_target: dict[Any, list[Record]] = {}
    for instance_id, event, record in found:
        if target := _target(instance_id, event):
            by_target.setdefault(target, []).append(record)
    return by_target
