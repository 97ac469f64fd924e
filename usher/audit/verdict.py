"""Judges one entry: from what ledger and notifier say of it to a verdict. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.disposition import Disposition
from contracts.http import Account
from contracts.letters import letter_id, reused_id
from contracts.reading import read_command_from
from contracts.records import KeptLetter, KeptNotice
from contracts.refusal import Refused
from usher.audit.entries import letters_of
from usher.audit.streams import EntryId, Progress, StreamEntry

_OF: dict[type, set[str]] = {
    StartWorkflow: {Disposition.STARTED, Disposition.DUPLICATE, Disposition.EXPIRED},
    RaiseEvent: {Disposition.DELIVERED, Disposition.PARKED, Disposition.EXPIRED},
    ControlInstance: {Disposition.CONTROLLED, Disposition.PARKED, Disposition.EXPIRED},
}
"""What may become of a command, beside a dead letter."""
CLAIMED_FOR = timedelta(minutes=5)
"""How long a claim may last: it is taken over after seconds."""
CLAIMED_TIMES = 20
"""How often an event may be claimed, 12 s and more from one to the next."""
LETTERED = {Disposition.DEAD_LETTERED, Disposition.EXPIRED}
"""What has a dead letter to show for it."""


class State(IntEnum):
    """The worst first: of several copies of one event, the best speaks for all."""

    FORGOTTEN = 0
    """Older than what the ledger remembers."""
    UNACCOUNTED = 1
    WANTING = 2
    """Accounted for if what it speaks of is on its way to the notifier, or was there."""
    OPEN = 3
    ACCOUNTED = 4


@dataclass(frozen=True)
class Verdict:
    """What became of an event; `missing` says what is not there."""

    state: State
    disposition: str = ""
    missing: str = ""
    wanted: tuple[str, ...] = ()
    """Any of these messages would do: dead letters, or a notice."""
    attempts: int = 0
    """0 for a notice."""
    reused: bool = False
    """Whether another event has its source and id."""


@dataclass(frozen=True)
class Known:
    """What the services said of a page of entries."""

    letters: Mapping[str, KeptLetter] = field(default_factory=dict)
    notices: Mapping[str, KeptNotice] = field(default_factory=dict)


def judge(
    entry: StreamEntry, event: CloudEvent, digest: str, account: Account | None, known: Known
) -> Verdict:
    """Judge an entry that its group has acknowledged; `digest` is of what it asks for."""
    if account is None:
        wanted = tuple(letters_of(entry.topic, event, entry.data))
        missing = "acknowledged, but neither the ledger nor a dead letter knows it"
        return _lettered(Disposition.DEAD_LETTERED, wanted, 1, missing, known)
    if account.command not in (None, digest):
        missing = (
            "another event has its source and id, and there is no dead letter of this one: publish "
            "it under an id of its own"
        )
        wanted = (reused_id(entry.topic, event),)
        verdict = _lettered(Disposition.DEAD_LETTERED, wanted, 1, missing, known, event)
        return replace(verdict, reused=True)
    disposition = str(account.disposition)
    if disposition == Disposition.CLAIMED:
        return Verdict(State.UNACCOUNTED, missing="acknowledged, but the ledger has it half done")
    if problem := _contradiction(entry, event, account) or account.missing:
        return Verdict(State.UNACCOUNTED, disposition, problem)
    if disposition in LETTERED:
        letter, attempts = letter_id(account.topic, event), max(account.letters, 1)
        missing = f"the ledger says {disposition}, but there is no such dead letter"
        return _lettered(disposition, (letter,), attempts, missing, known, event)
    notice = account.notice
    if notice and notice not in known.notices:
        missing = f"its run {account.instance_id!r} has ended, but there is no notice of it"
        return Verdict(State.WANTING, disposition, missing, (notice,))
    return Verdict(State.ACCOUNTED, disposition)


def stuck(account: Account | None, progress: Progress, entry: EntryId) -> Verdict | None:
    """Judge an entry that its group has not acknowledged; None while it may be on its way."""
    if account and account.disposition == Disposition.CLAIMED:
        age, attempt = datetime.now(UTC) - account.at, account.attempt
        if age > CLAIMED_FOR or attempt > CLAIMED_TIMES:
            return Verdict(
                State.UNACCOUNTED,
                missing=f"claimed for {account.instance_id!r} {int(age.total_seconds())} s ago, "
                f"attempt {attempt}, and neither done nor given up: the orchestrator's log has why",
            )
    if times := progress.often.get(entry):
        return Verdict(
            State.UNACCOUNTED,
            missing=f"delivered {times} times and not acknowledged: the orchestrator's log has why",
        )
    return None


def _lettered(
    disposition: str,
    wanted: tuple[str, ...],
    attempts: int,
    missing: str,
    known: Known,
    event: CloudEvent | None = None,
) -> Verdict:
    for letter in filter(None, map(known.letters.get, wanted)):
        about = letter.event
        is_it = event is None or (about.source, about.id) == (event.source, event.id)
        if letter.attempts >= attempts and is_it:
            return Verdict(State.ACCOUNTED, disposition)
    return Verdict(State.WANTING, disposition, missing, wanted, attempts)


def _contradiction(entry: StreamEntry, event: CloudEvent, account: Account) -> str | None:
    """Say where the ledger's entry cannot be about this event."""
    disposition = account.disposition
    if account.topic != entry.topic:
        return f"the ledger has it as of {account.topic}"
    try:
        command = read_command_from(entry.topic, event)
    except Refused as refused:
        return (
            None
            if disposition == Disposition.DEAD_LETTERED
            else f"it cannot be served ({refused.reason}), yet the ledger says {disposition}"
        )
    if disposition not in _OF[type(command)] | {Disposition.DEAD_LETTERED}:
        return f"the ledger says {disposition}, which cannot become of it"
    if disposition in LETTERED:
        return None
    if isinstance(command, StartWorkflow):
        instance_id = identity.instance_to_start(command, event.source, event.id)
    else:
        instance_id = identity.instance_addressed(command)
    if account.instance_id != instance_id:
        return f"it is for {instance_id!r}, but the ledger has it for {account.instance_id!r}"
    return None
