"""The overview: waits, parked events, and waits whose event was parked or dead-lettered."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

from contracts import calls
from contracts.http import Instance, Parked, Waiting
from contracts.records import DeadLetter
from notifier.records.store import RecentRecords
from notifier.service_clients import Away, Orchestrator
from notifier.timeline.chain import chain

T = TypeVar("T")

GOOD_FOR = 3
"""How long an overview for the page stays valid, in multiples of the time to read it."""
UNWATCHED = 20
"""The same for the metric alone, which costs the orchestrator two lists of all instances."""
LOOKED_AT = 100
"""How many running instances the page looks at. It says when there are more."""
LETTERS_FOLLOWED = 50
"""How many of the other instances are looked at all the same: those of the newest dead letters."""


@dataclass(frozen=True)
class WaitInView:
    """A wait, with the parked events and dead letters that it may be waiting for."""

    wait: Waiting
    parked: list[Parked]
    letters: list[DeadLetter]

    @property
    def blocked(self) -> bool:
        return bool(self.parked or self.letters)


@dataclass
class Overview:
    """The waits, all parked events, and the number of unrouted ones."""

    waits: list[WaitInView] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    unrouted: int = 0
    """How many events no route was for."""
    more: bool = False
    away: str = ""
    """Why the orchestrator does not answer; the other fields are then from its last answer."""
    as_of: datetime | None = None
    """When the overview was current; None if there is none yet."""

    @property
    def blocked(self) -> int:
        """How many instances wait for an event that is parked or dead-lettered."""
        return len({one.wait.instance_id for one in self.waits if one.blocked})


class OverviewReader:
    """Reads the overview from the orchestrator and the dead letters, once for all viewers."""

    def __init__(
        self,
        orchestrator: Orchestrator,
        letters: RecentRecords[DeadLetter],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._orchestrator = orchestrator
        self._letters = letters
        self._one_at_a_time = threading.Lock()
        self._last = Overview()
        self._found_at = self._took = 0.0
        self.stalled: list[Instance] = []
        """Stalled instances, as of the last look."""
        self._stalled_from = 0.0

    def look_for_stalled(self) -> None:
        """Read the stalled instances. Raises `Away`.

        The orchestrator reads every instance for this, so it takes a twentieth of the time at most.
        """
        began = self._clock()
        if began >= self._stalled_from:
            self.stalled = self._orchestrator.ask(
                calls.instances(LOOKED_AT, status="STALLED")
            ).items
            self._stalled_from = self._clock() + UNWATCHED * (self._clock() - began)

    def look(self, good_for: int = GOOD_FOR) -> Overview:
        """Return the current overview, or the last one if the orchestrator is away.

        An overview that took a second to read is valid for three seconds. So the orchestrator is
        busy a quarter of the time at most, however many people watch.
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
        waiting = self._orchestrator.ask(calls.waiting(LOOKED_AT))
        parked = self._orchestrator.ask(calls.parked(LOOKED_AT)).items
        routes = self._orchestrator.find(calls.routes())
        waits = waiting.items
        concerned = waits or waiting.next
        each = self._letters.each() if concerned else iter(())
        letters = [letter for letter in each if not letter.redriven_at]
        if waiting.next:
            waits = waits + self._left_out(letters, {wait.instance_id for wait in waits})
        lettered = _by_target((one.instance_id, one.event_name, one) for one in letters)
        listed = _by_target((event.instance_id, event.event, event) for event in parked)
        seen = []
        for wait in waits:
            target = _target(wait.instance_id, wait.event)
            seen.append(WaitInView(wait, listed.get(target, []), lettered.get(target, [])))
        seen.sort(key=lambda one: (not one.blocked, one.wait.since))
        return Overview(
            seen,
            parked,
            unrouted=routes.unrouted_total if routes else 0,
            more=bool(waiting.next),
            as_of=datetime.now(UTC),
        )

    def _left_out(self, letters: list[DeadLetter], seen: set[str]) -> list[Waiting]:
        """Return the waits of other instances that have dead letters."""
        found = []
        events = ((letter.instance_id, letter.event_name) for letter in letters)
        named = dict.fromkeys(i for i, event in events if i and event and i not in seen)
        for instance_id in islice(named, LETTERS_FOLLOWED):
            if instance := self._orchestrator.find(calls.instance(instance_id)):
                steps = chain(instance, self._orchestrator.history(instance_id), None, None)
                found += [step.waiting(instance) for step in steps if step.waits]
        return found


Target = tuple[str, str] | None


def _target(instance_id: str | None, event: str | None) -> Target:
    """Return the key of an instance and event, ignoring case: a wrong case is one reason why an
    event does not reach its wait."""
    return (instance_id.casefold(), event.casefold()) if instance_id and event else None


def _by_target(found: Iterable[tuple[str | None, str | None, T]]) -> dict[Target, list[T]]:
    by_target: dict[Target, list[T]] = {}
    for instance_id, event, record in found:
        if target := _target(instance_id, event):
            by_target.setdefault(target, []).append(record)
    return by_target
