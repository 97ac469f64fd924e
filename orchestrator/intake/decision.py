"""Decides what becomes of an event, from facts alone: it reads nothing and changes nothing."""

import json
from datetime import timedelta
from hashlib import sha256

from dapr.ext.workflow import WorkflowStatus

from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.digest import identity_reused
from contracts.events import Reason
from contracts.refusal import Refused
from orchestrator.engine.state import FINISHED, NotNow, Unreadable, cause_of
from orchestrator.intake.actions import (
    Claim,
    Control,
    Decision,
    Deliver,
    Duplicate,
    Park,
    Refuse,
    Resume,
    Retry,
    Start,
    TakeOver,
)
from orchestrator.intake.facts import Facts
from orchestrator.ledger.records import LEASE, Disposition, Entry


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
        return TakeOver(entry.model_copy(update={"disposition": Disposition.CLAIMED}), entry)
    if isinstance(arrival.command, ControlInstance):
        decision = _control(facts, arrival.command)
    else:
        assert arrival.command is not None, "an arrival without a command has a flaw"
        decision = _deliver(facts, arrival.command)
    if entry is None and arrival.deadline and isinstance(decision, Deliver | Control | Resume):
        # After a crash it comes again, perhaps after its deadline. So the ledger knows it first.
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
    if entry is None:
        return Refuse(why, arrival.entry(Disposition.DEAD_LETTERED) if arrival.key else None)
    if facts.failure is None and facts.others_claim:
        # The code changed after the claim, or replicas have different code.
        ours = entry.model_copy(update={"at": arrival.at, "token": arrival.token})
        return _of_claim(facts, entry) or TakeOver(ours, entry)
    return Refuse(why, entry)


def _start(facts: Facts, command: StartWorkflow) -> Decision:
    arrival, entry, instance_id = facts.arrival, facts.entry, facts.arrival.instance_id
    if facts.cancelled_by and entry:
        said = f"an event that came before it, {facts.cancelled_by.key}, cancels {instance_id!r}"
        cancelled = entry.model_copy(update={"cancelled_by": facts.cancelled_by.key})
        return Refuse(Refused(Reason.CANCELLED_EARLY, said, "key"), cancelled)
    other = facts.holder if facts.holder and facts.holder.key != arrival.key else None
    if entry and entry.token == arrival.token and not (other or facts.active):
        return Start(entry, command)
    own = {"instance_id": instance_id, "token": arrival.token, "digest": _digest(command)}
    claim = arrival.entry(Disposition.CLAIMED, **own)
    if (other or facts.active) and arrival.or_deliver:
        return _deliver(facts, arrival.or_deliver)
    if other and other.digest == claim.digest:
        return Resume(entry or claim, Disposition.DUPLICATE)
    if other:
        return Refuse(_taken(instance_id), entry or claim)
    if entry is None:
        return Claim(claim)
    if entry.final:  # redriven
        return TakeOver(claim, entry)
    return _of_claim(facts, entry) or TakeOver(claim, entry)


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
        return Refuse(_taken(instance_id), claim)
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
        return _stalled(facts, "takes no event")
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
    message = f"no instance has the id {instance_id!r}, and the event may not wait for it"
    return _refuse(facts, Refused(Reason.UNKNOWN_INSTANCE, message, "instance_id"))


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
    if status is None and facts.arrival.early:
        return Park(_begun(facts), facts.arrival.early)
    if status is None:
        message = f"no instance has the id {instance_id!r}"
        return _refuse(facts, Refused(Reason.UNKNOWN_INSTANCE, message, "instance_id"))
    if control == "purge" and status not in FINISHED:
        message = f"{instance_id!r} is {status.name}; terminate it, then purge"
        return _refuse(facts, Refused(Reason.INVALID_REQUEST, message, "control"))
    if control in ("suspend", "resume") and status is WorkflowStatus.STALLED:
        return _stalled(facts, f"cannot be told to {control}")
    # After a crash between the termination and its note, the control comes again.
    done = control == "terminate" and status is WorkflowStatus.TERMINATED
    if control != "purge" and status in FINISHED and not done:
        return _refuse(facts, finished(instance_id, status.name))
    return Control(_begun(facts), command)


def _begun(facts: Facts) -> Entry:
    """Return the entry of an event for an instance, to go on with."""
    entry = facts.entry or facts.arrival.entry(Disposition.CLAIMED)
    none = {"event": None, "asked": None, "why": None}
    known = {"instance_id": facts.arrival.instance_id, **none}
    return entry.model_copy(update=known)


def _digest(command: StartWorkflow) -> str:
    """Return a hash of the workflow and its input: equal starts of one instance id are one."""
    text = json.dumps([command.workflow, command.input], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:24]


def _taken(instance_id: str | None) -> Refused:
    message = (
        f"{instance_id!r} is taken: by another event, of another workflow or input, or by a child "
        "workflow"
    )
    return Refused(Reason.INSTANCE_EXISTS, message, "instance_id")


def _stalled(facts: Facts, then: str) -> Decision:
    message = (
        f"{facts.arrival.instance_id!r} is STALLED and {then}: deploy the code that it was started "
        "with, or terminate it"
    )
    return _refuse(facts, Refused(Reason.INSTANCE_STALLED, message, "instance_id"))


def finished(instance_id: str | None, status: str) -> Refused:
    """Return the refusal of an event for an instance that has ended."""
    message = f"{instance_id!r} has ended: {status}"
    return Refused(Reason.INSTANCE_FINISHED, message, "instance_id")
