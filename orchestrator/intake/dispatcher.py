"""Serves events: gathers facts, decides, and has it carried out, until there is an outcome.

It serves what the broker delivers and what was parked, by the same decision. Each step is safe to
repeat: the next delivery finds what this one did.
"""

from dataclasses import replace

import structlog

from contracts.refusal import Refused
from orchestrator.engine.instance_call import AWAY, TAKES_SECONDS, is_of_the_call
from orchestrator.engine.state import NotNow
from orchestrator.intake.actions import (
    CancelHeld,
    Claim,
    Control,
    Decision,
    Deliver,
    Duplicate,
    Hold,
    Outcome,
    Park,
    Refuse,
    Resume,
    Retry,
    Start,
    TakeOver,
)
from orchestrator.intake.activation import Activation
from orchestrator.intake.arrival import Arrival
from orchestrator.intake.control import Controller
from orchestrator.intake.dead_letters import DeadLetterWriter, handler_error
from orchestrator.intake.decision import decide
from orchestrator.intake.event_delivery import EventDelivery
from orchestrator.intake.fact_reader import FactReader
from orchestrator.intake.facts import Facts
from orchestrator.intake.held_starts import HeldStarts
from orchestrator.intake.parking import Parking
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Disposition, Entry
from orchestrator.ledger.store import Busy

ROUNDS = 8
"""Most decisions for one delivery. Each step adds a fact, so few are needed."""

_log = structlog.get_logger()


class Dispatcher:
    """Serves one event at a time for each call."""

    def __init__(
        self,
        facts: FactReader,
        ledger: Ledger,
        activation: Activation,
        event_delivery: EventDelivery,
        parking: Parking,
        held_starts: HeldStarts,
        controller: Controller,
        dead_letters: DeadLetterWriter,
    ) -> None:
        self._facts = facts
        self._ledger = ledger
        self._activation = activation
        self._event_delivery = event_delivery
        self._parking = parking
        self._held_starts = held_starts
        self._controller = controller
        self._dead_letters = dead_letters
        parking.hand_over = held_starts.hand_over = self.serve

    async def serve(self, arrival: Arrival, parked: Entry | None = None) -> Outcome:
        """Serve an event; `parked` is its entry, if it was parked.

        Raises `Busy`, or an error of `AWAY`, where the event must come again.
        """
        facts = self._facts
        try:
            known = facts.of_parked(arrival, parked) if parked else facts.of_delivery(arrival)
            return await self._settle(await known)
        except Refused as refused:
            failure = refused
        except (*AWAY, Busy) as error:
            if not is_of_the_call(error):
                raise
            failure = handler_error(error)
        except Exception as error:  # a fault of this event alone: others go on
            said = "a parked event cannot be handed over" if parked else "the handler failed"
            _log.exception(said, topic=arrival.topic)
            failure = handler_error(error)
        return await self._settle(await facts.of_failure(arrival, failure, parked))

    async def _settle(self, facts: Facts) -> Outcome:
        """Decide, and do it, until there is an outcome."""
        for _ in range(ROUNDS):
            decision = decide(facts)
            try:
                found = await self._carry_out(decision, facts)
            except NotNow as error:
                found = replace(facts, not_now=error)
            if isinstance(found, Disposition):
                return Outcome(found, decision.why if isinstance(decision, Refuse) else None)
            facts = found
        raise Busy(f"there was no outcome after {ROUNDS} decisions")

    async def _carry_out(self, decision: Decision, facts: Facts) -> Disposition | Facts:
        """Return the outcome; or what is known by now, to decide anew."""
        match decision:
            case Retry():
                raise Busy(decision.why)
            case Claim() | TakeOver():
                return await self._take(decision, facts)
            case Start():
                return await self._activation.start(decision, facts)
            case Hold():
                return await self._activation.hold(decision, facts)
            case Resume(disposition=Disposition.STARTED):
                started = await self._activation.finish(decision.entry)
                own = started.token == facts.arrival.token
                return started.disposition if own else replace(facts, entry=started)
            case Duplicate():
                await self._ledger.count_duplicate(decision.entry.key)
                await self._parking.use_up(decision.entry.cancelled_by)
            case Refuse():
                await self._refuse(decision, facts)
            case Park():
                outcome = await self._parking.park(decision, facts)
                now = await self._facts.with_held(replace(facts, known={}))
                return now if now.held and not facts.handed_over else outcome
            case Deliver() | Control() | Resume() | CancelHeld():
                await self._reach(decision, facts)
        return decision.disposition

    async def _take(self, decision: Claim | TakeOver, facts: Facts) -> Facts:
        """Write an entry, so that no other handler serves the event."""
        if isinstance(decision, Claim):
            there = await self._ledger.create(decision.entry)
            return await self._facts.with_entry(replace(facts, known={}), there)
        ours = await self._ledger.take_over(decision.held, decision.entry)
        facts = replace(facts, entry=ours, known={})
        if ours.instance_id == facts.arrival.instance_id:
            return facts
        arrival = replace(facts.arrival, instance_id=ours.instance_id)
        return replace(facts, arrival=arrival, state=None, ended=None, queued=False)

    async def _refuse(self, decision: Refuse, facts: Facts) -> None:
        await self._dead_letters.write(facts.arrival, decision, facts.known)
        if decision.entry:
            await self._parking.use_up(decision.entry.cancelled_by)

    async def _reach(self, decision: Deliver | Control | Resume | CancelHeld, facts: Facts) -> None:
        """Have the instance of an event receive it, and write that outcome. Raises `NotNow`."""
        if isinstance(decision, CancelHeld):
            await self._held_starts.cancel(decision, facts.arrival.event)
            return
        entry = decision.entry
        instance_id = entry.instance_id or ""
        patience = self._parking.unresponsive.patience(instance_id)
        seconds = TAKES_SECONDS if facts.handed_over else patience
        match decision:
            case Deliver(command=command, state=state):
                await self._event_delivery.hand_over(state, entry.key, command, seconds)
            case Control(command=command):
                control, reason = command.control, command.reason
                await self._controller.carry_out(instance_id, control, reason, seconds)
        served = {"disposition": decision.disposition}
        await self._ledger.settle(entry.model_copy(update=served), facts.known)
