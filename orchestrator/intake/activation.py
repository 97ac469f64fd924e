"""Starts a workflow once for an event: claim, schedule, deliver parked events, write the outcome.

After a crash behind the claim, the next delivery waits until the lease is over and takes the claim
over; the fence lets at most one run through. After a crash behind the schedule, the next delivery
finds the instance and does the rest.
"""

import uuid
from datetime import timedelta

from dapr.ext.workflow import WorkflowStatus

from chassis.tracing import here
from contracts.cloudevent import CloudEvent
from contracts.digest import identity_reused
from contracts.events import Reason
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.engine.client import Engine
from orchestrator.engine.envelope import Cause
from orchestrator.engine.state import Unreadable, cause_of
from orchestrator.intake.decider import Start
from orchestrator.intake.parking import Parking
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import LEASE, Disposition, Entry, Holder, begun
from orchestrator.ledger.store import Busy

PUNCTUAL = timedelta(seconds=3)
"""A schedule that begins within this of its claim is over within the lease."""


class Activation:
    """Carries out the decision to start a workflow."""

    def __init__(self, engine: Engine, ledger: Ledger, parking: Parking, code: str) -> None:
        self._engine = engine
        self._ledger = ledger
        self._parking = parking
        self._code = code

    async def launch(self, start: Start, event: CloudEvent) -> Disposition:
        """Start the workflow unless this event did. Raises `Busy` while that is not known."""
        entry = begun(
            event,
            Topic.REQUESTS,
            Disposition.CLAIMED,
            instance_id=start.instance_id,
            token=uuid.uuid4().hex,
            digest=start.digest,
        )
        held = await self._ledger.create(entry)
        if held.token != entry.token:
            if held.differs(entry.command):
                raise identity_reused(event)
            reopened = await self._take_over(held, entry, event)
            if reopened is None:
                return Disposition.DUPLICATE
            held = reopened
        return await self._run(held, start, event)

    async def abandoned(self, held: Entry) -> Entry | None:
        """Take over the claim of a start that is refused now; None where it had started before.

        The code changed after the claim, or replicas have different code. Raises `Busy` while the
        handler of the claim may still be at work.
        """
        if await self._has_started(held):
            await self._finish(held)
            return None
        if self._ledger.now() - held.at < LEASE:
            raise Busy(f"{held.instance_id} is being started by another handler")
        ours = held.model_copy(update={"at": self._ledger.now()})
        return await self._ledger.take_over(held, ours)

    async def _take_over(self, held: Entry, entry: Entry, event: CloudEvent) -> Entry | None:
        """Return the claim if it is ours now; None if the event has had its start."""
        if not held.reopened_by(event):
            if not held.final and await self._has_started(held):
                await self._finish(held)
                held = held.model_copy(update={"disposition": Disposition.STARTED})
            if held.final:
                await self._ledger.count_duplicate(held.key)
                return None
            if entry.at - held.at < LEASE:
                raise Busy(f"{held.instance_id} is being started by another handler")
        return await self._ledger.take_over(held, entry)

    async def _has_started(self, held: Entry) -> bool:
        """Return whether this claim started its instance, which may have been purged since."""
        instance_id = held.instance_id or ""
        state = await self._engine.state(instance_id)
        if state is not None:
            if isinstance(state, Unreadable):
                raise self._not_known(state, held)
            if state.runtime_status is WorkflowStatus.PENDING:
                # Until its first turn is saved the engine does not say what started it.
                raise Busy(f"{instance_id} is being created")
            return cause_of(state).key == held.key
        ended = await self._ledger.ended(instance_id)
        return ended is not None and ended.key == held.key

    def _not_known(self, state: Unreadable, held: Entry) -> Exception:
        """Return the error of a start whose instance cannot be read.

        `Busy` within the lease, because that may pass; then a refusal.
        """
        instance_id, said = state.instance_id, state.stall.message
        if self._ledger.now() - held.at < LEASE:
            return Busy(f"{instance_id}: {said}")
        message = f"{said}; whether this event started {instance_id!r} is not known"
        return Refused(Reason.HANDLER_ERROR, message, "instance_id")

    async def _run(self, held: Entry, start: Start, event: CloudEvent) -> Disposition:
        if not start.derived and not await self._takes_id(held, start):
            duplicate = held.model_copy(update={"disposition": Disposition.DUPLICATE})
            await self._ledger.settle(duplicate)
            return Disposition.DUPLICATE
        if self._ledger.now() - held.at > PUNCTUAL:
            raise Busy(f"{start.instance_id}: too late to start it within the lease")
        cause = Cause(
            event_id=event.id,
            key=held.key,
            claimed_at=held.at,
            attempt=held.attempt,
            traceparent=here(),
            code=self._code,
        )
        if not await self._engine.schedule(start.workflow, start.input, start.instance_id, cause):
            state = await self._engine.state(start.instance_id)
            if state is None or state.runtime_status is WorkflowStatus.PENDING:
                # Until its first turn is saved the engine does not say what started it.
                raise Busy(f"{start.instance_id} is being created")
            if isinstance(state, Unreadable):
                raise self._not_known(state, held)
            if cause_of(state).key != held.key:
                raise start.taken()
        await self._finish(held)
        return Disposition.STARTED

    async def _takes_id(self, held: Entry, start: Start) -> bool:
        """Take the instance id; False where another event took it for an equal start."""
        holder = await self._ledger.take(
            start.instance_id, Holder(key=held.key, digest=held.digest)
        )
        if holder.key == held.key:
            return True
        if holder.digest != held.digest:
            raise start.taken()
        return False

    async def _finish(self, held: Entry) -> None:
        instance_id = held.instance_id or ""
        read = await self._parking.look(instance_id, held.key)
        await self._parking.drain(instance_id, read)
        started = held.model_copy(update={"disposition": Disposition.STARTED})
        await self._ledger.settle(started, read)
