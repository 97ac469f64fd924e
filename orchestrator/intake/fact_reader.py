"""Reads the facts about an event: from the workflows, the ledger and the engine, changing none."""

from collections.abc import Container, Mapping
from dataclasses import replace
from datetime import timedelta

from dapr.ext.workflow import WorkflowStatus

from contracts.commands import RaiseEvent, StartWorkflow
from contracts.refusal import Refused
from orchestrator.engine.client import Engine
from orchestrator.engine.state import FINISHED
from orchestrator.intake.arrival import Arrival
from orchestrator.intake.facts import Facts
from orchestrator.intake.refusal_texts import unknown_workflow
from orchestrator.ledger.latest_runs import LatestRuns, latest_at, latest_in
from orchestrator.ledger.ledger import Ledger, entry_at
from orchestrator.ledger.parked_lists import HELD, ParkedLists, list_at
from orchestrator.ledger.records import Entry, LatestRun
from orchestrator.ledger.store import BrokenRecord, Record, RecordStore, read_as
from orchestrator.runs.definition import Definition


class FactReader:
    """Reads what a decision needs, and not more: a duplicate costs no call of the engine."""

    def __init__(
        self,
        workflows: Mapping[str, Definition],
        engine: Engine,
        ledger: Ledger,
        store: RecordStore,
        parked_for: timedelta,
        latest: LatestRuns,
        again: Container[str],
    ) -> None:
        """`again` are the workflows whose keys have many runs, one after another."""
        self._workflows = workflows
        self._engine = engine
        self._ledger = ledger
        self._store = store
        self._parked_for = parked_for
        self._held = ParkedLists(store, HELD)
        self._latest = latest
        self._again = again

    async def of_delivery(self, arrival: Arrival, *, asked: bool = False) -> Facts:
        """Return the facts about an event that was delivered, or is only `asked` about.

        For a start that is delivered nothing is read, unless it is to be held: its claim returns
        what is there, and taking its instance id returns who holds it.
        """
        facts, starts = self._first(arrival), isinstance(arrival.command, StartWorkflow)
        if starts and not (asked or facts.refusal or arrival.start_at):
            return facts
        instance_id = None if starts else arrival.instance_id
        facts = await self._with_entry_read(facts, instance_id, self._base_id(arrival))
        if starts and asked and arrival.base_id and arrival.or_deliver:
            return facts if facts.settled else await self.with_latest(facts)
        if starts and asked and arrival.instance_id:
            facts = replace(facts, holder=await self._ledger.holder(arrival.instance_id))
            return await self.with_instance(facts) if arrival.or_deliver else facts
        done = starts or facts.broken or facts.settled or facts.refusal
        return facts if done else await self.with_state(facts)

    async def of_parked(self, arrival: Arrival, entry: Entry) -> Facts:
        """Return the facts about a parked event that is tried again."""
        facts = replace(self._first(arrival), entry=entry, handed_over=True)
        tried = isinstance(arrival.command, RaiseEvent) and not arrival.flaw
        return await self.with_state(facts) if tried else await self.with_entry(facts, entry)

    async def of_failure(self, arrival: Arrival, failure: Refused, parked: Entry | None) -> Facts:
        """Return what is known of an event once serving it failed; `parked` is its parked entry."""
        facts = Facts(arrival, self._parked_for, failure=failure)  # author's code may have failed
        if parked:
            return replace(facts, entry=parked, handed_over=True)
        return await self._with_entry_read(facts)

    async def with_entry(self, facts: Facts, entry: Entry | None) -> Facts:
        """Add the entry that is there; of another handler's claim also what came of it."""
        facts = replace(facts, entry=entry)
        starts = isinstance(facts.arrival.command, StartWorkflow) and not facts.failure
        if starts and entry and entry.joined:
            arrival = replace(facts.arrival, instance_id=entry.instance_id)
            return await self.with_instance(replace(facts, arrival=arrival))
        looks = facts.others_claim and not (facts.settled or facts.failure)
        return await self.with_state(facts) if looks else facts

    async def with_instance(self, facts: Facts) -> Facts:
        """Add how the instance is, and whether events wait for it."""
        found = await self._store.read_many(_lists_of(facts.arrival))
        return await self.with_state(replace(facts, queued=any(map(_queued, found.values()))))

    async def with_latest(self, facts: Facts) -> Facts:
        """Add the latest run of the key. If it has not ended, the event is for that run."""
        arrival = facts.arrival
        latest = await self._latest.get(arrival.base_id or "")
        facts = replace(facts, latest=latest)
        if latest is None or latest.key == arrival.key or await self._is_over(latest):
            return facts
        arrival = replace(arrival, instance_id=latest.instance_id)
        return await self.with_instance(replace(facts, arrival=arrival))

    async def _is_over(self, run: LatestRun) -> bool:
        """Return whether a run has ended, or never comes: its start may have been refused."""
        state = await self._engine.state(run.instance_id)
        if state is None and await self._ledger.ended(run.instance_id) is None:
            entry = await self._ledger.get(run.key)
            if entry and not entry.final:
                return False
            state = await self._engine.state(run.instance_id)  # it may have come meanwhile
        return state is None or state.runtime_status in FINISHED

    async def with_state(self, facts: Facts) -> Facts:
        """Add how the instance is, or how it ended."""
        claim, ended = facts.others_claim, None
        instance_id = (claim or facts.arrival).instance_id or ""
        state = await self._engine.state(instance_id)
        if state is None or state.runtime_status in {*FINISHED, WorkflowStatus.STALLED}:
            # Read after the state: a run may end and be purged in between. One that the engine
            # cannot read, which is shown as stalled, may have ended before.
            ended = await self._ledger.ended(instance_id)
        facts = replace(facts, state=state, ended=ended)
        return facts if state or ended else await self.with_held(facts)

    async def with_held(self, facts: Facts) -> Facts:
        """Add the held starts that an event cancels, also those that it has cancelled already."""
        if not facts.arrival.terminates:
            return facts
        arrival = facts.arrival
        held = await self.held_starts(arrival.instance_id or "", arrival.key)
        return replace(facts, held=held)

    async def held_starts(self, instance_id: str, cancel: str | None = None) -> tuple[Entry, ...]:
        """Return the starts of an instance that are held, or that this event has cancelled."""
        keys, _ = await self._held.read(instance_id)
        entries = await self._ledger.get_many(keys) if keys else []
        return tuple(one for one in entries if one.held or (cancel and one.cancelled_by == cancel))

    async def known_without_instance(self, instance_id: str) -> str:
        """Return what to add where an id that may be a key's has no instance."""
        if held := await self.held_starts(instance_id):
            return f"; a start is held until {held[0].until}"
        latest = await self._latest.get(instance_id)
        return f"; the latest run of its key is {latest.instance_id!r}" if latest else ""

    def _first(self, arrival: Arrival) -> Facts:
        """Return what is known without a question to anybody."""
        facts, command, known = Facts(arrival, self._parked_for), arrival.command, self._workflows
        if not isinstance(command, StartWorkflow):
            return facts
        try:
            if command.workflow not in known:
                raise unknown_workflow(command.workflow, known)
            # The events of a route are made for others too, so they may have more fields.
            known[command.workflow].accept(command.input, tolerant=arrival.route is not None)
        except Refused as refused:
            return replace(facts, unfit=refused)
        return facts

    def _base_id(self, arrival: Arrival) -> str | None:
        """Return the id of the key by which an event names its instance, if that has many runs."""
        command = arrival.command
        if isinstance(command, StartWorkflow | None) or command.workflow not in self._again:
            return None
        return arrival.instance_id if command.key else None

    async def _with_entry_read(
        self, facts: Facts, instance_id: str | None = None, base_id: str | None = None
    ) -> Facts:
        """Add the event's entry, and in the same call whether events wait for an instance.

        For `base_id`, the instance is the latest run of a key, which costs one more call.
        """
        key, broken = facts.arrival.key, set[str]()
        if key is None:
            return facts
        at, names = entry_at(key), [entry_at(key or "")]
        if instance_id:
            names.append(latest_at(base_id) if base_id else list_at(instance_id))
        found = await self._store.read_many(names, broken)
        known = {name: found.get(name, (None, "")) for name in names if name not in broken}
        try:
            record, _ = known.get(at) or await self._store.read(at)  # which says what is wrong
            entry = None if record is None else read_as(Entry, at, record)
        except BrokenRecord as error:
            return replace(facts, broken=str(error))
        if base_id:
            # An event that was accepted before is for the run that was the latest then.
            latest = latest_in(latest_at(base_id), known.pop(latest_at(base_id), (None, ""))[0])
            run_id = latest.instance_id if latest else base_id
            run_id = entry.instance_id or run_id if entry and not entry.final else run_id
            arrival = replace(facts.arrival, instance_id=run_id, base_id=base_id)
            names = _lists_of(arrival)
            found = await self._store.read_many(names, broken)
            known |= {name: found.get(name, (None, "")) for name in names if name not in broken}
            facts = replace(facts, arrival=arrival)
        queued = any(_queued(known[name]) for name in names if name in known)
        return await self.with_entry(replace(facts, known=known, queued=queued), entry)


def _lists_of(arrival: Arrival) -> list[str]:
    """Return the lists of events that are parked for an instance, also by its key alone."""
    return [list_at(one) for one in (arrival.instance_id, arrival.base_id) if one]


def _queued(found: tuple[Record | None, str]) -> bool:
    """Return whether a list of parked events, as it was read, has any."""
    return bool(found[0] and found[0].get("keys"))
