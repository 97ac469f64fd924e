"""Starts workflows: takes the instance id, schedules, delivers parked events, writes the outcome.

Only a handler that has the claim starts, and not long after its claim. The fence lets at most one
run through where a handler that lost its claim schedules all the same.
"""

from collections.abc import Container
from dataclasses import replace
from datetime import timedelta

from chassis.tracing import here
from contracts import identity
from contracts.routes.depth import depth_of_run
from orchestrator.engine.client import Engine
from orchestrator.engine.envelope import Cause
from orchestrator.intake.actions import Hold, Start
from orchestrator.intake.fact_reader import FactReader
from orchestrator.intake.facts import Facts
from orchestrator.intake.held_starts import HeldStarts
from orchestrator.intake.parking import Parking
from orchestrator.ledger.latest_runs import LatestRuns
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Disposition, Entry, Holder, LatestRun
from orchestrator.ledger.store import Busy

PUNCTUAL = timedelta(seconds=3)
"""A schedule that begins within this of its claim is over within the lease."""


class Activation:
    """Carries out the decision to start a workflow, now or later."""

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        parking: Parking,
        held_starts: HeldStarts,
        latest: LatestRuns,
        facts: FactReader,
        code: str,
        cancelled_early: Container[str] = (),
    ) -> None:
        """`cancelled_early` are the workflows that an event may cancel before they start."""
        self._engine = engine
        self._ledger = ledger
        self._parking = parking
        self._held_starts = held_starts
        self._latest = latest
        self._facts = facts
        self._code = code
        self._cancelled_early = cancelled_early

    async def start(self, start: Start, facts: Facts) -> Disposition | Facts:
        """Start the workflow of a claim; or return the facts, with who has the instance id."""
        claim, command = start.entry, start.command
        instance_id = claim.instance_id or ""
        if identity.derived_key(instance_id) != claim.key:  # else no other event can want it
            asked = Holder(key=claim.key, digest=claim.digest)
            holder = await self._ledger.take(instance_id, asked)
            if holder.key != claim.key:
                facts = replace(facts, holder=holder)
                return await self._facts.with_instance(facts) if facts.arrival.or_deliver else facts
        if claim.base_id and facts.arrival.or_deliver:
            facts = await self._facts.with_latest(facts)
            if facts.arrival.instance_id != instance_id:
                return facts
        # A cancel that comes after this look finds the instance, or is parked and found below.
        if cancel := await self._cancel_of(start):
            return replace(facts, entry=claim.cancelled(cancel.key, cancel.accepted()))
        if not await self._is_latest(claim, facts):
            return facts
        if self._ledger.now() - claim.at > PUNCTUAL:
            raise Busy(f"{instance_id}: too late to start it within the lease")
        cause = Cause(
            event_id=facts.arrival.event.id,
            key=claim.key,
            route=claim.route,
            claimed_at=claim.at,
            attempt=claim.attempt,
            depth=depth_of_run(facts.arrival.topic, facts.arrival.event),
            traceparent=here(),
            code=self._code,
        )
        if not await self._engine.schedule(command.workflow, command.input, instance_id, cause):
            return await self._facts.with_instance(replace(facts, active=True))
        return (await self.finish(claim)).disposition

    async def _is_latest(self, claim: Entry, facts: Facts) -> bool:
        """Name the run of a claim as the latest of its key; False if another event was first."""
        if claim.base_id is None:
            return True
        run = LatestRun(instance_id=claim.instance_id or "", key=claim.key, claimed_at=claim.at)
        if facts.arrival.or_deliver is None:
            await self._latest.advance(claim.base_id, run)
            return True
        named = await self._latest.replace(claim.base_id, run, facts.latest)
        return named.key == claim.key

    async def hold(self, hold: Hold, facts: Facts) -> Disposition | Facts:
        """Keep a start until it is due, unless an event has cancelled it."""
        facts = await self._held_starts.hold(hold, facts)
        cancel, entry = await self._cancel_of(hold), facts.entry
        if cancel is None or entry is None:
            return hold.disposition
        return replace(facts, entry=entry.cancelled(cancel.key, cancel.accepted()))

    async def _cancel_of(self, start: Start | Hold) -> Entry | None:
        """Return a parked event that cancels the start."""
        early = start.command.workflow in self._cancelled_early
        target = start.entry.base_id or start.entry.instance_id or ""
        return await self._parking.cancels(target) if early else None

    async def finish(self, claim: Entry) -> Entry:
        """Do what is left once the workflow was started. Return the entry as it is then."""
        instance_id = claim.instance_id or ""
        if claim.base_id:
            await self._latest.adopt(claim.base_id, instance_id)
        read = await self._parking.look(instance_id, claim.key)
        await self._parking.drain(instance_id, read)
        started = claim.model_copy(update={"disposition": Disposition.STARTED})
        await self._ledger.settle(started, read)
        return started
