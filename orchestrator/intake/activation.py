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
from orchestrator.intake.actions import Start
from orchestrator.intake.fact_reader import FactReader
from orchestrator.intake.facts import Facts
from orchestrator.intake.parking import Parking
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Disposition, Entry, Holder
from orchestrator.ledger.store import Busy

PUNCTUAL = timedelta(seconds=3)
"""A schedule that begins within this of its claim is over within the lease."""


class Activation:
    """Carries out the decision to start a workflow."""

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        parking: Parking,
        facts: FactReader,
        code: str,
        cancelled_early: Container[str] = (),
    ) -> None:
        """`cancelled_early` are the workflows that an event may cancel before they start."""
        self._engine = engine
        self._ledger = ledger
        self._parking = parking
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
        # A cancel that comes after this look finds the instance, or is parked and found below.
        early = command.workflow in self._cancelled_early
        if early and (cancel := await self._parking.cancels(instance_id)):
            return replace(facts, cancelled_by=cancel)
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

    async def finish(self, claim: Entry) -> Entry:
        """Do what is left once the workflow was started. Return the entry as it is then."""
        instance_id = claim.instance_id or ""
        read = await self._parking.look(instance_id, claim.key)
        await self._parking.drain(instance_id, read)
        started = claim.model_copy(update={"disposition": Disposition.STARTED})
        await self._ledger.settle(started, read)
        return started
