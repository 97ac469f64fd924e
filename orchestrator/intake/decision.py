"""Decides what becomes of an event, from facts alone: it reads nothing and changes nothing."""

from datetime import timedelta
from typing import Any

from dapr.ext.workflow import WorkflowStatus

from contracts import identity
from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.digest import identity_reused, start_digest
from contracts.events import Reason
from contracts.refusal import Refused
from orchestrator.engine.state import FINISHED, NotNow, Unreadable, cause_of
from orchestrator.intake.actions import (
    CancelHeld,
    Claim,
    Control,
    Decision,
    Deliver,
    Duplicate,
    Hold,
    Park,
    Refuse,
    Resume,
    Retry,
    Start,
    TakeOver,
)
from orchestrator.intake.facts import Facts
from orchestrator.intake.refusal_texts import cancelled_early, finished, stalled, taken, unknown
from orchestrator.ledger.records import LEASE, Disposition, Entry

CLAIMED = Disposition.CLAIMED


def decide(facts: Facts) -> Decision:
    """Return what becomes of an event. The first rule that applies counts."""
    arrival, entry = facts.arrival, facts.entry
    if facts.broken:
        said = f"{facts.broken}; whether the event was served is not known: mend or delete it first"
        return Refuse(Refused(Reason.HANDLER_ERROR, said), None)
    if entry and facts.settled:
        other = entry.differs(arrival.digest)
        return _of_reused_identity(facts, entry) if other else Duplicate(entry)
    if refusal := facts.refusal:
        return _refuse(facts, refusal)
    if isinstance(arrival.command, StartWorkflow):
        return _start(facts, arrival.command)
    if entry and entry.final:  # redriven
        return TakeOver(_begun(facts).model_copy(update={"disposition": CLAIMED}), entry)
    if isinstance(arrival.command, ControlInstance):
        decision = _control(facts, arrival.command)
    else:
        assert arrival.command is not None, "an arrival without a command has a flaw"
        decision = _deliver(facts, arrival.command)
    reaches = isinstance(decision, Deliver | Control | Resume)
    changes = reaches and (arrival.deadline or arrival.base_id)
    if entry is None and (changes or isinstance(decision, CancelHeld)):
        # After a crash it comes again, perhaps after its deadline, or when its key has another
        # run. So the ledger knows it first.
        return Claim(_begun(facts))
    return decision


def _of_reused_identity(facts: Facts, entry: Entry) -> Decision:
    """Decide on an event whose source and id are those of another event, with this entry."""
    if facts.handed_over:
        said = "the parked event is not the one that was accepted: its record was changed"
        return Refuse(Refused(Reason.HANDLER_ERROR, said), entry)
    if facts.arrival.digest in entry.others:
        return Duplicate(entry)
    why = facts.failure
    if why is None or why.reason is not Reason.IDENTITY_REUSED:
        why = identity_reused(facts.arrival.event)
    return Refuse(why, None, beside=entry)


def _refuse(facts: Facts, why: Refused) -> Decision:
    """Refuse an event, unless another handler is starting its workflow."""
    arrival, entry = facts.arrival, facts.entry
    joins = facts.failure and arrival.or_deliver and entry and entry.joined
    if joins and why.reason is Reason.INSTANCE_FINISHED:
        return Retry(f"{why.message}; the next delivery starts another run")
    if entry is None:
        return Refuse(why, arrival.entry(Disposition.DEAD_LETTERED) if arrival.key else None)
    if facts.failure is None and facts.others_claim:
        # The code changed after the claim, or replicas have different code.
        ours = entry.model_copy(update={"at": arrival.at, "token": arrival.token})
        return _of_claim(facts, entry) or TakeOver(ours, entry)
    return Refuse(why, entry)


def _start(facts: Facts, command: StartWorkflow) -> Decision:
    arrival, entry, claim = facts.arrival, facts.entry, _claim(facts, command)
    if entry and not entry.final and entry.cancelled_by:
        return Refuse(cancelled_early(arrival.instance_id, entry.canceller), entry)
    other = facts.holder if facts.holder and facts.holder.key != arrival.key else None
    if instead := _deliver_instead(facts, claim, is_taken=bool(other or facts.active)):
        return instead
    due = entry.until if entry and entry.held else arrival.start_at
    due = due if due and due > arrival.at else None
    if entry and entry.token == arrival.token and not (other or facts.active):
        return Hold(entry, command, due) if due else Start(entry, command)
    if other and other.digest == claim.digest:
        return Resume(entry or claim, Disposition.DUPLICATE)
    if other:
        return Refuse(taken(arrival.instance_id), entry or claim)
    if entry is None:
        return Hold(claim, command, due) if due else Claim(claim)
    if entry.final:  # redriven
        return TakeOver(claim, entry)
    if entry.held and entry.disposition is Disposition.PARKED:
        return Hold(entry, command, due) if due else TakeOver(claim, entry)
    return _of_claim(facts, entry) or TakeOver(claim, entry)


def _claim(facts: Facts, command: StartWorkflow) -> Entry:
    """Return the entry of a start that this handler has claimed."""
    arrival, entry = facts.arrival, facts.entry
    kept: dict[str, Any] = {}
    if entry and entry.held:  # until it has started, the event is nowhere else
        kept = {"event": entry.event, "asked": entry.asked, "until": entry.until}
    own = {"instance_id": arrival.instance_id, "token": arrival.token}
    return arrival.entry(CLAIMED, **own, **kept, digest=start_digest(command))


def _deliver_instead(facts: Facts, claim: Entry, *, is_taken: bool) -> Decision | None:
    """Decide on an event that starts a run or, if its key has one, is delivered to that run."""
    arrival, entry = facts.arrival, facts.entry
    if arrival.or_deliver is None:
        return None
    if arrival.base_id is None:
        return _deliver(facts, arrival.or_deliver) if is_taken else None
    if entry and not entry.final and entry.instance_id != arrival.instance_id:
        # The event is for this run, also if it comes again once the run has ended.
        return TakeOver(entry.model_copy(update={"instance_id": arrival.instance_id}), entry)
    return _join(facts, arrival.or_deliver) if (entry or claim).joined else None


def _join(facts: Facts, command: RaiseEvent) -> Decision:
    """Deliver an event to the run of its key; if that ended without reading it, start another."""
    arrival, entry, state, ended = facts.arrival, facts.entry, facts.state, facts.ended
    if ended is None and state and state.runtime_status in FINISHED:
        return Retry(f"{arrival.instance_id} has ended, and is not announced yet")
    if entry and ended and ended.never_read(entry.key):
        own = identity.derived_id(arrival.base_id or "", entry.key)
        update = {"instance_id": own, "at": arrival.at, "token": arrival.token}
        return TakeOver(entry.model_copy(update=update), entry)
    return _deliver(facts, command)


def _of_claim(facts: Facts, claim: Entry) -> Decision | None:
    """Decide by the instance that a claim may have started; None where the claim is left behind."""
    instance_id, state, ended = claim.instance_id, facts.state, facts.ended
    at_work = facts.arrival.at - claim.at < LEASE
    if isinstance(state, Unreadable):
        said = state.stall.message
        if at_work:  # it may pass
            return Retry(f"{instance_id}: {said}")
        message = f"{said}; whether this event started {instance_id!r} is not known"
        return Refuse(Refused(Reason.HANDLER_ERROR, message, "instance_id"), claim)
    if state.runtime_status is WorkflowStatus.PENDING if state else facts.active:
        # Until its first turn is saved the engine does not say what started it.
        return Retry(f"{instance_id} is being created")
    started_by = cause_of(state).key if state else ended.key if ended else None
    if started_by == claim.key:
        return Resume(claim, Disposition.STARTED)
    if facts.active:
        return Refuse(taken(instance_id), claim)
    return Retry(f"{instance_id} is being started by another handler") if at_work else None


def _deliver(facts: Facts, command: RaiseEvent) -> Decision:
    arrival, state, asked = facts.arrival, facts.state, command.ttl_seconds
    wait = facts.parked_for if asked is None else timedelta(seconds=min(asked, 10**9))
    left = max(timedelta(0), arrival.deadline.at - arrival.at) if arrival.deadline else wait
    left = min(wait, left)
    if facts.not_now:
        return _hold(facts, left, facts.not_now)
    if facts.ended or state is None or state.runtime_status in FINISHED:
        return _deliver_to_none(facts, wait, left)
    if state.runtime_status is WorkflowStatus.STALLED:
        if facts.handed_over or wait:
            said = f": {state.stall.message}" if isinstance(state, Unreadable) else ""
            return Park(_begun(facts), left, f"{arrival.instance_id!r} is stalled{said}")
        return _refuse(facts, stalled(arrival.instance_id, "takes no event"))
    if facts.queued and not facts.handed_over:  # events that were parked before it go first
        return Park(_begun(facts), left or facts.parked_for)
    return Deliver(_begun(facts), command, state)


def _deliver_to_none(facts: Facts, wait: timedelta, left: timedelta) -> Decision:
    """Decide on an event whose instance has ended, or has not come yet."""
    instance_id, ended = facts.arrival.instance_id, facts.ended
    if ended and facts.arrival.key in ended.seen:  # only the ledger does not say so
        return Resume(_begun(facts), Disposition.DELIVERED)
    if outcome := ended.outcome if ended else facts.state and facts.state.runtime_status.name:
        return _refuse(facts, finished(instance_id, outcome))
    if facts.handed_over:
        return Park(_begun(facts), left, f"{instance_id!r} is gone", slow=True)
    if wait:
        return Park(_begun(facts), left)
    return _refuse(facts, unknown(instance_id, ", and the event may not wait for it"))


def _hold(facts: Facts, wait: timedelta, why: NotNow) -> Decision:
    """Park an event that its instance does not accept now, so that no other waits for it."""
    if facts.handed_over or wait:
        return Park(_begun(facts), wait, str(why), slow=not why.stalled)
    message = f"{why}, and the event may not wait"
    return _refuse(facts, Refused(Reason.INSTANCE_STALLED, message, "instance_id"))


def _control(facts: Facts, command: ControlInstance) -> Decision:
    instance_id, control, not_now = facts.arrival.instance_id, command.control, facts.not_now
    if not_now:
        return _hold(facts, timedelta(0) if not_now.stalled else facts.parked_for, not_now)
    if facts.handed_over:  # it was accepted before
        return Control(_begun(facts), command)
    status = WorkflowStatus[facts.ended.outcome] if facts.ended else None
    if facts.state:  # one may be unreadable for a moment only: the control is tried, and waits
        unreadable = isinstance(facts.state, Unreadable)
        status = WorkflowStatus.UNKNOWN if unreadable else facts.state.runtime_status
    if status is None and facts.held:
        return CancelHeld(_begun(facts), facts.held)
    if status is None and facts.arrival.early:
        return Park(_begun(facts), facts.arrival.early)
    if status is None:
        return _refuse(facts, unknown(instance_id))
    if control == "purge" and status not in FINISHED:
        message = f"{instance_id!r} is {status.name}; terminate it, then purge"
        return _refuse(facts, Refused(Reason.INVALID_REQUEST, message, "control"))
    if control in ("suspend", "resume") and status is WorkflowStatus.STALLED:
        return _refuse(facts, stalled(instance_id, f"cannot be told to {control}"))
    # After a crash between the termination and its note, the control comes again.
    done = control == "terminate" and status is WorkflowStatus.TERMINATED
    if control != "purge" and status in FINISHED and not done:
        return _refuse(facts, finished(instance_id, status.name))
    return Control(_begun(facts), command)


def _begun(facts: Facts) -> Entry:
    """Return the entry of an event for an instance, to go on with."""
    entry = facts.entry or facts.arrival.entry(CLAIMED)
    none = {"event": None, "asked": None, "why": None}
    known = {"instance_id": facts.arrival.instance_id, **none}
    return entry.model_copy(update=known)
