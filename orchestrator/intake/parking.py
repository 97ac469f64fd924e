"""Keeps events that their instance cannot accept yet, and delivers them once it can.

The instance may not exist yet, be stalled, or be in a turn that does not return. The event is kept
in its own entry in the ledger. A list for each instance names its parked events. A run that starts
at the deadline lets the event expire. A handler that adds to the list checks afterwards
whether the instance exists by now; a handler that starts the instance checks the list. `redelivery`
retries events that an existing instance did not accept.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import structlog

from chassis.logs import about
from chassis.tracing import continuing
from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.commands import ControlInstance, RaiseEvent
from contracts.events import Reason
from contracts.expiry import deadline
from contracts.reading import read_command
from contracts.refusal import Refused
from orchestrator.engine.client import Engine
from orchestrator.engine.instance_call import AWAY, UnresponsiveInstances, is_of_the_call
from orchestrator.engine.state import FINISHED, NotNow
from orchestrator.intake.control import Controller
from orchestrator.intake.dead_letters import DeadLetterWriter, handler_error
from orchestrator.intake.decider import Control
from orchestrator.intake.event_delivery import EventDelivery, finished
from orchestrator.ledger.ledger import Ledger, entry_at
from orchestrator.ledger.parked_lists import ParkedLists, list_at, order
from orchestrator.ledger.records import Disposition, Entry
from orchestrator.ledger.store import BrokenRecord, Read, RecordStore

PASSES = 10
"""How often one `drain` reads the list of an instance. `redelivery` does the rest."""

_log = structlog.get_logger()


class Parking:
    """Parks, delivers and expires the events that wait for their instance."""

    def __init__(
        self,
        store: RecordStore,
        ledger: Ledger,
        engine: Engine,
        event_delivery: EventDelivery,
        controller: Controller,
        dead_letters: DeadLetterWriter,
    ) -> None:
        self._store = store
        self._lists = ParkedLists(store)
        self._ledger = ledger
        self._engine = engine
        self._event_delivery = event_delivery
        self._controller = controller
        self._dead_letters = dead_letters
        self.unresponsive = UnresponsiveInstances()

    async def park(
        self, entry: Entry, event: CloudEvent, wait: timedelta, why: str | None = None
    ) -> Disposition:
        """Keep an event until its instance accepts it, or until its deadline; safe to repeat.

        `why` says why an existing instance does not accept it. Return the outcome of the event by
        now: it may have been delivered already.
        """
        instance_id, until = entry.instance_id or "", self._ledger.now() + wait
        kept = {"disposition": Disposition.PARKED, "event": json.loads(event.to_json())}
        entry = entry.model_copy(update={**kept, "until": until, "why": why})
        if why and instance_id not in self.unresponsive:
            self.unresponsive.add(instance_id)
        await self._ledger.reenter(entry)
        await self._lists.add(instance_id, entry.key)
        await self._engine.schedule_at(identity.OWN_RUN, entry.key, _run_id(entry), until)
        # `redelivery` tries an unresponsive instance beside the topic, where no other event waits.
        if (
            instance_id not in self.unresponsive
            and await self._engine.state(instance_id) is not None
        ):
            await self.drain(instance_id)
            entry = await self._ledger.get(entry.key) or entry
        return entry.disposition

    async def is_empty(self, instance_id: str) -> bool:
        return not (await self._lists.read(instance_id))[0]

    async def holds(self, entry: Entry) -> bool:
        """Return whether a parked event is on the list of its instance, and its wait will end."""
        keys, _ = await self._lists.read(entry.instance_id or "")
        run = await self._engine.state(_run_id(entry))
        return entry.key in keys and run is not None and run.runtime_status not in FINISHED

    async def look(self, instance_id: str, key: str) -> Read:
        """Read an instance's list, and the entry of the event that starts it, in one call."""
        return await self._store.read_many((list_at(instance_id), entry_at(key)))

    async def drain(self, instance_id: str, read: Read | None = None) -> None:
        """Deliver the parked events of an instance in order, up to the first that it refuses now.

        Behind that one only a `terminate` is delivered, because it ends the wait. Two drains at
        once deliver an event twice, and the workflow sees it once. A list that was `read` just now
        is not read again.
        """
        for _ in range(PASSES):
            keys, etag = await self._lists.read(instance_id, read)
            read = None
            if not keys:
                return
            taken = True
            for entry in sorted(await self._ledger.get_many(keys), key=order):
                if entry.disposition is Disposition.PARKED and (taken or _terminates(entry)):
                    with _handling(entry, "hand over a parked event"):
                        taken &= await self._is_taken(entry)
            if not taken:
                return
            if await self._lists.remove(instance_id, keys, etag):
                return
        self.unresponsive.add(instance_id)  # events come faster than they are handed over

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
            if key not in (await self._lists.read(instance_id))[0]:
                with _handling(entry, "hand over a parked event"):
                    if await self._is_taken(entry):
                        return
            entry = await self._ledger.get(key) or entry
            said = entry.why or f"{instance_id!r} did not take an event that came before"
            message = f"{said}, as long as the event could wait"
            why = Refused(Reason.INSTANCE_STALLED, message, "instance_id")
        with _handling(entry, "let a parked event expire"):
            await self._put_aside(entry, why)
        await self._lists.remove(instance_id, [key])

    async def waiting(self, ids: Iterable[str]) -> list[Entry]:
        """Return the entries of all parked events, the oldest first.

        `ids` are the ids of all instances: each parked event has one of Usher's own, which ends its
        wait at the deadline.
        """
        keys = {one.split("-")[1] for one in ids if identity.is_own_run(one)}
        entries = await self._ledger.get_many(keys)
        parked = [entry for entry in entries if entry.disposition is Disposition.PARKED]
        return sorted(parked, key=lambda entry: entry.at)

    async def _is_taken(self, entry: Entry) -> bool:
        """Deliver or dead-letter an event; False where its instance accepts nothing now."""
        try:
            disposition = await self._hand_over(entry)
        except Refused as refused:
            await self._put_aside(entry, refused)
        except NotNow as error:
            self.unresponsive.add(entry.instance_id or "", slow=not error.stalled)
            if entry.why != str(error):
                _log.warning("not taken", error=str(error))
                await self._note(entry, str(error))
            return False
        except AWAY as error:
            if not is_of_the_call(error):
                raise
            await self._put_aside(entry, handler_error(error))
        except Exception as error:  # a fault of this event alone: other events and the start go on
            _log.exception("a parked event cannot be handed over")
            await self._put_aside(entry, handler_error(error))
        else:
            done = {"disposition": disposition, "event": None, "why": None}
            await self._ledger.settle(entry.model_copy(update=done))
            _log.info(str(disposition))
        return True

    async def _hand_over(self, entry: Entry) -> Disposition:
        event, instance_id = entry.accepted(), entry.instance_id or ""
        command, now = read_command(event), self._ledger.now()
        due = deadline(event, now)
        late = due.passed(now) if due else None
        if isinstance(command, ControlInstance):
            if late:
                raise late
            control = Control(instance_id, command.control, command.reason)
            await self._controller.carry_out(control)
            return Disposition.CONTROLLED
        assert isinstance(command, RaiseEvent)
        ended = await self._ledger.ended(instance_id)
        if ended is None and late:
            raise late
        if ended is None:
            state = await self._engine.state(instance_id)
            if state is None:
                raise NotNow(f"{instance_id!r} is gone", stalled=False)
            await self._event_delivery.hand_over(state, entry.key, command)
        elif entry.key not in ended.seen:
            raise finished(instance_id, ended.outcome)
        return Disposition.DELIVERED

    async def _note(self, entry: Entry, why: str) -> None:
        """Write why an event waits, while it waits."""

        def noted(now: Entry) -> Entry | None:
            waits = now.disposition is Disposition.PARKED
            return now.model_copy(update={"why": why}) if waits else None

        await self._ledger.change(entry.key, noted)

    async def _put_aside(self, entry: Entry, why: Refused) -> None:
        await self._dead_letters.write(entry.topic, entry.accepted(), why, entry)
        _log.warning("dead_lettered", reason=str(why.reason))


def _terminates(entry: Entry) -> bool:
    """Return whether a parked event is a control that ends its instance."""
    with suppress(Refused):
        command = read_command(entry.accepted())
        return isinstance(command, ControlInstance) and command.control == "terminate"
    return False


@contextmanager
def _handling(entry: Entry, name: str) -> Iterator[None]:
    """Work on a parked event in its trace, with log lines that name it."""
    with continuing(entry.event or {}, name), about(entry.accepted(), entry.instance_id):
        yield


def _run_id(entry: Entry) -> str:
    """Return the id of the run that lets an event expire."""
    return identity.own_run_id(entry.key, entry.attempt)
