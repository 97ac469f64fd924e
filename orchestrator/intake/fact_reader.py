"""Reads the facts about an event: from the workflows, the ledger and the engine, changing none."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from dapr.ext.workflow import WorkflowStatus

from contracts.commands import RaiseEvent, StartWorkflow
from contracts.events import Reason
from contracts.refusal import Refused
from orchestrator.engine.client import Engine
from orchestrator.engine.state import FINISHED
from orchestrator.intake.arrival import Arrival
from orchestrator.intake.facts import Facts
from orchestrator.ledger.ledger import Ledger, entry_at
from orchestrator.ledger.parked_lists import list_at
from orchestrator.ledger.records import Entry
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
    ) -> None:
        self._workflows = workflows
        self._engine = engine
        self._ledger = ledger
        self._store = store
        self._parked_for = parked_for

    async def of_delivery(self, arrival: Arrival, *, asked: bool = False) -> Facts:
        """Return the facts about an event that was delivered, or is only `asked` about.

        For a start that is delivered nothing is read: its claim returns what is there, and taking
        its instance id returns who holds it.
        """
        facts, starts = self._first(arrival), isinstance(arrival.command, StartWorkflow)
        if starts and not (asked or facts.refusal):
            return facts
        facts = await self._with_entry_read(facts, None if starts else arrival.instance_id)
        if starts and asked and arrival.instance_id:
            facts = replace(facts, holder=await self._ledger.holder(arrival.instance_id))
            return await self.with_instance(facts) if arrival.or_deliver else facts
        done = starts or facts.broken or facts.settled or facts.refusal
        return facts if done else await self.with_state(facts)

    async def of_parked(self, arrival: Arrival, entry: Entry) -> Facts:
        """Return the facts about a parked event that is tried again."""
        facts = replace(self._first(arrival), entry=entry, handed_over=True)
        tried = isinstance(arrival.command, RaiseEvent) and not arrival.flaw
        return await self.with_state(facts) if tried else facts

    async def of_failure(self, arrival: Arrival, failure: Refused, parked: Entry | None) -> Facts:
        """Return what is known of an event once serving it failed; `parked` is its parked entry."""
        facts = Facts(arrival, self._parked_for, failure=failure)  # author's code may have failed
        if parked:
            return replace(facts, entry=parked, handed_over=True)
        return await self._with_entry_read(facts)

    async def with_entry(self, facts: Facts, entry: Entry | None) -> Facts:
        """Add the entry that is there; of another handler's claim also what came of it."""
        facts = replace(facts, entry=entry)
        looks = facts.others_claim and not (facts.settled or facts.failure)
        return await self.with_state(facts) if looks else facts

    async def with_instance(self, facts: Facts) -> Facts:
        """Add how the instance is, and whether events wait for it."""
        listed = list_at(facts.arrival.instance_id or "")
        found = await self._store.read_many([listed])
        return await self.with_state(replace(facts, queued=_queued(found.get(listed))))

    async def with_state(self, facts: Facts) -> Facts:
        """Add how the instance is, or how it ended."""
        claim, ended = facts.others_claim, None
        instance_id = (claim or facts.arrival).instance_id or ""
        state = await self._engine.state(instance_id)
        if state is None or state.runtime_status in {*FINISHED, WorkflowStatus.STALLED}:
            # Read after the state: a run may end and be purged in between. One that the engine
            # cannot read, which is shown as stalled, may have ended before.
            ended = await self._ledger.ended(instance_id)
        return replace(facts, state=state, ended=ended)

    def _first(self, arrival: Arrival) -> Facts:
        """Return what is known without a question to anybody."""
        facts, command, known = Facts(arrival, self._parked_for), arrival.command, self._workflows
        if not isinstance(command, StartWorkflow):
            return facts
        try:
            if command.workflow not in known:
                there = ", ".join(sorted(known))
                message = f"no workflow is named {command.workflow!r}; there are: {there}"
                raise Refused(Reason.UNKNOWN_WORKFLOW, message, "workflow")
            # The events of a route are made for others too, so they may have more fields.
            known[command.workflow].accept(command.input, tolerant=arrival.route is not None)
        except Refused as refused:
            return replace(facts, unfit=refused)
        return facts

    async def _with_entry_read(self, facts: Facts, instance_id: str | None = None) -> Facts:
        """Add the event's entry, and in the same call whether events wait for an instance."""
        key, broken = facts.arrival.key, set[str]()
        if key is None:
            return facts
        at, listed = entry_at(key), list_at(instance_id or "")
        names = [at, listed] if instance_id else [at]
        found = await self._store.read_many(names, broken)
        known = {name: found.get(name, (None, "")) for name in names if name not in broken}
        try:
            record, _ = known.get(at) or await self._store.read(at)  # which says what is wrong
            entry = None if record is None else read_as(Entry, at, record)
        except BrokenRecord as error:
            return replace(facts, broken=str(error))
        queued = _queued(known.get(listed))
        return await self.with_entry(replace(facts, known=known, queued=queued), entry)


def _queued(found: tuple[Record | None, str] | None) -> bool:
    """Return whether a list of parked events, as it was read, has any."""
    return bool(found and found[0] and found[0].get("keys"))
