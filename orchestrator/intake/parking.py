"""Keeps events that their instance cannot accept yet, and delivers them once it can.

The instance may not exist yet, be stalled, or be in a turn that does not return. The event is kept
in its own entry in the ledger. A list for each instance names its parked events. A run that starts
at the deadline lets the event expire. A handler that adds to the list checks afterwards
whether the instance exists by now; a handler that starts the instance checks the list. `redelivery`
retries events that an existing instance did not accept.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from chassis.logs import about
from chassis.tracing import continuing
from contracts import identity
from contracts.events import Reason
from contracts.refusal import Refused
from orchestrator.engine.client import Engine
from orchestrator.engine.instance_call import UnresponsiveInstances
from orchestrator.engine.state import FINISHED
from orchestrator.intake.actions import Outcome, Park, Refuse
from orchestrator.intake.arrival import Arrival, arrive_again
from orchestrator.intake.dead_letters import DeadLetterWriter
from orchestrator.intake.facts import Facts
from orchestrator.ledger.latest_runs import LatestRuns
from orchestrator.ledger.ledger import Ledger, entry_at
from orchestrator.ledger.parked_lists import HELD, ParkedLists, list_at, order
from orchestrator.ledger.records import Disposition, Entry, Known
from orchestrator.ledger.store import BrokenRecord, Read, RecordStore

PASSES = 10
"""How often one `drain` reads the list of an instance. `redelivery` does the rest."""

_log = structlog.get_logger()


class Parking:
    """Parks, delivers and expires the events that wait for their instance."""

    hand_over: Callable[[Arrival, Entry], Awaitable[Outcome]]
    """Serves a parked event. The dispatcher sets it: it serves these as it does deliveries."""

    def __init__(
        self,
        store: RecordStore,
        ledger: Ledger,
        latest: LatestRuns,
        engine: Engine,
        dead_letters: DeadLetterWriter,
    ) -> None:
        self._store = store
        self._lists = ParkedLists(store)
        self._held = ParkedLists(store, HELD)
        self._ledger = ledger
        self._latest = latest
        self._engine = engine
        self._dead_letters = dead_letters
        self.unresponsive = UnresponsiveInstances()

    async def park(self, park: Park, facts: Facts) -> Disposition:
        """Keep an event until its instance accepts it, or until its deadline; safe to repeat.

        Return the outcome of the event by now: it may have been delivered already.
        """
        entry, why = park.entry, park.why
        instance_id, until = entry.instance_id or "", self._ledger.now() + park.wait
        if why:
            self.unresponsive.add(instance_id, slow=park.slow)
        if facts.handed_over and facts.entry:
            await self._wait_on(facts.entry, why)
            return park.disposition
        arrival, asked = facts.arrival, None
        if arrival.route and (command := arrival.or_deliver or arrival.command):
            asked = command.model_dump(mode="json", exclude_none=True)
        entry = entry.model_copy(update={"asked": asked, "why": why})
        entry = await self.keep(entry, facts, until, self._lists)
        if entry.base_id:
            instance_id = await self._latest.adopt(entry.base_id, instance_id)
        # `redelivery` tries an unresponsive instance beside the topic, where no other event waits.
        if (
            instance_id not in self.unresponsive
            and await self._engine.state(instance_id) is not None
        ):
            await self.drain(instance_id)
            entry = await self._ledger.get(entry.key) or entry
        return entry.disposition

    async def keep(self, entry: Entry, facts: Facts, until: datetime, lists: ParkedLists) -> Entry:
        """Write an event to its entry and a list, and schedule a run of Usher's own."""
        event = json.loads(facts.arrival.event.to_json())
        parked = {"disposition": Disposition.PARKED, "event": event, "until": until}
        entry = entry.model_copy(update=parked)
        await self._ledger.reenter(entry, facts.known)
        await lists.add(entry.instance_id or "", entry.key, facts.known)
        await self._engine.schedule_at(identity.OWN_RUN, entry.key, _run_id(entry), until)
        return entry

    async def holds(self, entry: Entry) -> bool:
        """Return whether a parked event is on the list of its instance, and its wait will end."""
        lists = self._held if entry.held else self._lists
        keys, _ = await lists.read(entry.instance_id or "")
        run = await self._engine.state(_run_id(entry))
        return entry.key in keys and run is not None and run.runtime_status not in FINISHED

    async def look(self, instance_id: str, key: str) -> Read:
        """Read an instance's list, and the entry of the event that starts it, in one call."""
        return await self._store.read_many((list_at(instance_id), entry_at(key)))

    async def drain(self, instance_id: str, known: Known | None = None) -> None:
        """Deliver the parked events of an instance in order, up to the first that it refuses now.

        Behind that one only a `terminate` is delivered, because it ends the wait. Two drains at
        once deliver an event twice, and the workflow sees it once. A list among those `known` is
        not read again.
        """
        for _ in range(PASSES):
            keys, etag = await self._lists.read(instance_id, known)
            known = None
            if not keys:
                return
            taken = True
            for entry in sorted(await self._ledger.get_many(keys), key=order):
                if entry.disposition is Disposition.PARKED:
                    arrival = arrive_again(entry)
                    if taken or arrival.terminates:
                        taken &= await self._is_taken(arrival, entry)
            if not taken:
                return
            if await self._lists.remove(instance_id, keys, etag):
                return
        self.unresponsive.add(instance_id)  # events come faster than they are handed over

    async def cancels(self, instance_id: str) -> Entry | None:
        """Return a parked event that terminates an instance which has not started yet."""
        keys, _ = await self._lists.read(instance_id)
        for entry in sorted(await self._ledger.get_many(keys), key=order):
            if entry.disposition is Disposition.PARKED and arrive_again(entry).terminates:
                return entry
        return None

    async def use_up(self, key: str | None) -> None:
        """Write that a parked event has kept its instance from starting."""
        cancel = await self._ledger.get(key) if key else None
        if cancel is None or cancel.final:
            return
        await self._ledger.settle(cancel.model_copy(update={"disposition": Disposition.CONTROLLED}))
        await self._lists.remove(cancel.instance_id or "", [cancel.key])

    async def expire(self, key: str) -> None:
        """Dead-letter an event at its deadline, unless it was delivered before."""
        try:
            entry = await self._ledger.get(key)
        except BrokenRecord as error:
            _log.error("cannot expire", error=str(error))
            return
        if entry is None or entry.disposition is not Disposition.PARKED:
            return
        instance_id = entry.instance_id or ""
        message = f"no instance {instance_id!r} came before the event expired"
        why = Refused(Reason.EXPIRED, message, "instance_id")
        if await self._engine.state(instance_id) or await self._ledger.ended(instance_id):
            await self.drain(instance_id)
            entry = await self._ledger.get(key)
            if entry is None or entry.disposition is not Disposition.PARKED:
                return
            listed, _ = await self._lists.read(instance_id)
            if key not in listed and await self._is_taken(arrive_again(entry), entry):
                return
            entry = await self._ledger.get(key) or entry
            said = entry.why or f"{instance_id!r} did not take an event that came before"
            message = f"{said}, as long as the event could wait"
            why = Refused(Reason.INSTANCE_STALLED, message, "instance_id")
        arrival = arrive_again(entry)
        with handling(arrival, entry, "let a parked event expire"):
            await self._dead_letters.write(arrival, Refuse(why, entry))
            _log.warning("dead_lettered", reason=str(why.reason))
        await self._lists.remove(instance_id, [key])

    async def waiting(self, ids: Iterable[str]) -> list[Entry]:
        """Return the entries of all parked events and held starts, the oldest first.

        `ids` are the ids of all instances: each of these events has one of Usher's own, which ends
        its wait.
        """
        keys = {one.split("-")[1] for one in ids if identity.is_own_run(one)}
        entries = await self._ledger.get_many(keys)
        parked = [one for one in entries if one.disposition is Disposition.PARKED or one.held]
        return sorted(parked, key=lambda entry: entry.at)

    async def _is_taken(self, arrival: Arrival, entry: Entry) -> bool:
        """Deliver or dead-letter an event; False where its instance accepts nothing now."""
        with handling(arrival, entry, "hand over a parked event"):
            outcome = await self.hand_over(arrival, entry)
            if outcome.refusal:
                _log.warning("dead_lettered", reason=str(outcome.refusal.reason))
            elif outcome.disposition is not Disposition.PARKED:
                _log.info(str(outcome.disposition))
        return outcome.disposition is not Disposition.PARKED

    async def _wait_on(self, entry: Entry, why: str | None) -> None:
        """Write why a parked event waits on, while it waits."""

        def noted(now: Entry) -> Entry | None:
            waits = now.disposition is Disposition.PARKED
            return now.model_copy(update={"why": why}) if waits else None

        if entry.why != why:
            _log.warning("not taken", error=why)
            await self._ledger.change(entry.key, noted)


@contextmanager
def handling(arrival: Arrival, entry: Entry, name: str) -> Iterator[None]:
    """Work on a parked event in its trace, with log lines that name it."""
    event = arrival.event
    with continuing(event.attributes, name), about(event, entry.instance_id):
        yield


def _run_id(entry: Entry) -> str:
    """Return the id of the run that lets an event expire."""
    return identity.own_run_id(entry.key, entry.attempt)
