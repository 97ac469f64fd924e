"""Serves one event: carries out the decision, and writes the outcome to the ledger."""

from contracts.cloudevent import CloudEvent
from contracts.digest import command_digest, identity_reused
from contracts.events import Reason
from contracts.expiry import is_bounded
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.engine.state import NotNow
from orchestrator.intake.activation import Activation
from orchestrator.intake.control import Controller
from orchestrator.intake.dead_letters import DeadLetterWriter
from orchestrator.intake.decider import Arrived, Control, Decider, Decision, Deliver, Park, Start
from orchestrator.intake.event_delivery import EventDelivery
from orchestrator.intake.parking import Parking
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Disposition, Entry, begun
from orchestrator.ledger.store import BrokenRecord, Busy

AFTER_CLAIM = {Reason.INSTANCE_EXISTS, Reason.HANDLER_ERROR}
"""Reasons to refuse a start after its claim. Every other reason is found before the claim."""


class Dispatcher:
    """Serves deliveries. Each step is safe to repeat: the next delivery finds what this one did."""

    def __init__(
        self,
        decider: Decider,
        ledger: Ledger,
        activation: Activation,
        event_delivery: EventDelivery,
        parking: Parking,
        controller: Controller,
        dead_letters: DeadLetterWriter,
    ) -> None:
        self._decider = decider
        self._ledger = ledger
        self._activation = activation
        self._event_delivery = event_delivery
        self._parking = parking
        self._controller = controller
        self._dead_letters = dead_letters

    async def serve(self, topic: Topic, event: CloudEvent) -> tuple[Disposition, str | None]:
        """Serve an event; return its outcome and the id of its instance. Raises `Refused`."""
        if topic is Topic.REQUESTS:
            start = await self._decider.decide(topic, event)
            assert isinstance(start, Start)
            return await self._activation.launch(start, event), start.instance_id
        named = event.id and event.source
        held = await self._ledger.find(event.source, event.id) if named else None
        if held and not held.is_of(event):
            raise identity_reused(event)
        if held and held.final and not held.reopened_by(event):
            await self._ledger.count_duplicate(held.key)
            return Disposition.DUPLICATE, held.instance_id
        if held and held.final:
            reopened = held.model_copy(update={"disposition": Disposition.CLAIMED})
            held = await self._ledger.take_over(held, reopened)
        return await self._carry_out(topic, event, held)

    async def _carry_out(
        self, topic: Topic, event: CloudEvent, held: Entry | None
    ) -> tuple[Disposition, str | None]:
        decision = await self._decider.decide(topic, event)
        instance_id = decision.instance_id
        entry = held or begun(event, topic, Disposition.CLAIMED)
        entry = entry.model_copy(update={"instance_id": instance_id, "event": None})
        if held is None and not isinstance(decision, Park) and is_bounded(event):
            # After a crash the event comes again, and may have expired meanwhile. So the ledger
            # knows it first.
            await self._ledger.reenter(entry)
        patience = self._parking.unresponsive.patience(instance_id)
        try:
            match decision:
                case Park():
                    wait, why = decision.wait, decision.why
                    return await self._parking.park(entry, event, wait, why), instance_id
                case Deliver():
                    # Events that were parked before it go first.
                    if not await self._parking.is_empty(instance_id):
                        wait = decision.wait or self._decider.parked_for
                        return await self._parking.park(entry, event, wait), instance_id
                    state, command = decision.state, decision.command
                    await self._event_delivery.hand_over(state, entry.key, command, patience)
                    disposition = Disposition.DELIVERED
                case Arrived():
                    disposition = Disposition.DELIVERED
                case Control():
                    await self._controller.carry_out(decision, patience)
                    disposition = Disposition.CONTROLLED
        except NotNow as error:
            return await self._hold(entry, event, decision, error), instance_id
        await self._ledger.settle(entry.model_copy(update={"disposition": disposition}))
        return disposition, instance_id

    async def _hold(
        self, entry: Entry, event: CloudEvent, decision: Decision, why: NotNow
    ) -> Disposition:
        """Park an event that its instance does not accept now, so that no other waits for it."""
        wait = decision.wait if isinstance(decision, Deliver) else self._decider.parked_for
        if not wait or (why.stalled and isinstance(decision, Control)):
            message = f"{why}, and the event may not wait"
            raise Refused(Reason.INSTANCE_STALLED, message, "instance_id") from why
        self._parking.unresponsive.add(entry.instance_id or "", slow=not why.stalled)
        return await self._parking.park(entry, event, wait, str(why))

    async def put_aside(self, topic: Topic, event: CloudEvent, why: Refused) -> Disposition:
        """Dead-letter an event, unless it is settled already or another handler has it."""
        if not event.id or not event.source:
            await self._dead_letters.write(topic, event, why, None)
            return Disposition.DEAD_LETTERED
        try:
            held = await self._ledger.find(event.source, event.id)
        except BrokenRecord as error:
            message = f"{error}; whether the event was served is not known: mend or delete it first"
            await self._dead_letters.write(
                topic, event, Refused(Reason.HANDLER_ERROR, message), None
            )
            return Disposition.DEAD_LETTERED
        if held and not held.is_of(event):
            reused = why.reason is Reason.IDENTITY_REUSED
            why = why if reused else identity_reused(event)
            return await self._put_beside(topic, event, held, why)
        if held and held.final and not held.reopened_by(event):
            await self._ledger.count_duplicate(held.key)
            return Disposition.DUPLICATE
        entry = held or begun(event, topic, Disposition.DEAD_LETTERED)
        claimed = held and held.token and held.disposition is Disposition.CLAIMED
        if claimed and why.reason not in AFTER_CLAIM:
            abandoned = await self._activation.abandoned(entry)
            if abandoned is None:
                return Disposition.DUPLICATE
            entry = abandoned
        try:
            await self._dead_letters.write(topic, event, why, entry)
        except Refused as other:
            raise Busy(str(other)) from other  # it comes again, and finds the other event
        return Disposition.DEAD_LETTERED

    async def _put_beside(
        self, topic: Topic, event: CloudEvent, held: Entry, why: Refused
    ) -> Disposition:
        """Dead-letter an event that reuses the source and id of another, whose entry is `held`.

        It publishes first and notes second: after a crash the same letter is published again.
        """
        command = command_digest(event)
        if command in held.others:
            await self._ledger.count_duplicate(held.key)
            return Disposition.DUPLICATE
        await self._dead_letters.write(topic, event, why, None)
        await self._ledger.note_other(held.key, command)
        return Disposition.DEAD_LETTERED
