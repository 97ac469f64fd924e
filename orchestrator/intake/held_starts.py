"""Holds starts until they are due, as their route asks by `delay` or `at`.

A held start is parked like an early event: its entry keeps the event, and a run of Usher's own
begins when it is due. Each instance has a list of its held starts, by which an event that cancels
the instance finds them. Who holds a start looks for such an event afterwards, and an event that is
parked to cancel looks for held starts: so one of the two sees the other.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from contracts.cloudevent import CloudEvent
from orchestrator.intake.actions import CancelHeld, Hold, Outcome
from orchestrator.intake.arrival import Arrival, arrive_again
from orchestrator.intake.facts import Facts
from orchestrator.intake.parking import Parking, handling
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.parked_lists import HELD, ParkedLists
from orchestrator.ledger.records import Disposition, Entry
from orchestrator.ledger.store import BrokenRecord, Busy, RecordStore

_log = structlog.get_logger()


class HeldStarts:
    """Keeps, makes and cancels the starts that wait for their time."""

    hand_over: Callable[[Arrival, Entry], Awaitable[Outcome]]
    """Serves a held start. The dispatcher sets it."""

    def __init__(self, store: RecordStore, ledger: Ledger, parking: Parking) -> None:
        self._lists = ParkedLists(store, HELD)
        self._ledger = ledger
        self._parking = parking

    async def hold(self, hold: Hold, facts: Facts) -> Facts:
        """Keep a start until it is due; safe to repeat. Return the facts with its entry."""
        if facts.handed_over:  # the clock of the engine is ahead of this one
            raise Busy(f"{hold.entry.instance_id} is due at {hold.until.isoformat()}")
        asked = hold.command.model_dump(mode="json", exclude_none=True)
        entry = hold.entry.model_copy(update={"asked": asked})
        entry = await self._parking.keep(entry, facts, hold.until, self._lists)
        return replace(facts, entry=entry, known={})

    async def cancel(self, cancel: CancelHeld, event: CloudEvent) -> None:
        """Keep held starts from being made, as `event` asks. Raises `Busy` where one is made now.

        Each is marked first: whoever serves a marked start dead-letters it.
        """
        key = cancel.entry.key

        def marked(now: Entry) -> Entry | None:
            waits = now.held and now.disposition is Disposition.PARKED and not now.cancelled_by
            return now.cancelled(key, event) if waits else None

        for start in cancel.starts:
            now = await self._ledger.change(start.key, marked)
            if now is None or not now.cancelled_by:
                raise Busy(f"{start.instance_id} is being started by another handler")
        for start in cancel.starts:
            await self.due(start.key)
        await self._parking.use_up(key)

    async def due(self, key: str) -> None:
        """Do what Usher's own run is for: make a start that was held, or let an event expire."""
        try:
            entry = await self._ledger.get(key)
        except BrokenRecord as error:
            _log.error("cannot start or expire", error=str(error))
            return
        if entry and entry.held:
            await self._serve(entry)
        elif entry and entry.disposition is Disposition.PARKED:
            await self._parking.expire(key)
        elif entry:  # a crash came before what follows its outcome
            await self._parking.use_up(entry.cancelled_by)
            await self._lists.remove(entry.instance_id or "", [key])

    async def _serve(self, entry: Entry) -> None:
        arrival = arrive_again(entry)
        with handling(arrival, entry, "start what was held"):
            outcome = await self.hand_over(arrival, entry)
            if outcome.refusal:
                _log.warning("dead_lettered", reason=str(outcome.refusal.reason))
            else:
                _log.info(str(outcome.disposition))
        await self._lists.remove(entry.instance_id or "", [entry.key])
