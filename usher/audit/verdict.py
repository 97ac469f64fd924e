"""Judges one entry: from what ledger and notifier say of it to a verdict. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.disposition import Disposition
from contracts.http import Account
from contracts.records import KeptLetter, KeptNotice
from contracts.refusal import Refused
from usher.audit.sources import Item
from usher.audit.topic_reader import EntryId, Progress

BROKEN = "the ledger's record event-{} cannot be read: mend or delete it, then send the event again"
SHARED = (
    "an event before it has its source and id and asks for something else, and one of them alone "
    "was served: publish this one under an id of its own"
)
REUSED = (
    "put aside as identity_reused: another event has its source and id; `usher redrive` sends it "
    "under an id of its own"
)
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
    BEFORE_CHANGE = 1
    """Not in the ledger, and older than the route as it is declared now."""
    UNACCOUNTED = 2
    WANTING = 3
    """Accounted for if what it speaks of is on its way to the notifier, or was there."""
    OPEN = 4
    ACCOUNTED = 5


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


def judge(item: Item, account: Account | None, known: Known) -> Verdict:
    """Judge an event that its group has acknowledged."""
    if account is None:
        missing = "acknowledged, but neither the ledger nor a dead letter knows it"
        verdict = _lettered(Disposition.DEAD_LETTERED, tuple(item.letters()), 1, missing, known)
        found = verdict.state is State.ACCOUNTED or item.certain
        return verdict if found else Verdict(State.BEFORE_CHANGE)
    if account.command not in (None, item.digest):
        missing = (
            "another event has its source and id, and there is no dead letter of this one: publish "
            "it under an id of its own"
        )
        wanted = (item.reused_letter,)
        verdict = _lettered(Disposition.DEAD_LETTERED, wanted, 1, missing, known, item.event)
        return replace(verdict, reused=True)
    disposition = str(account.disposition)
    if disposition == Disposition.CLAIMED:
        return Verdict(State.UNACCOUNTED, missing="acknowledged, but the ledger has it half done")
    if problem := _contradiction(item, account) or account.missing:
        return Verdict(State.UNACCOUNTED, disposition, problem)
    if disposition in LETTERED:
        letter, attempts = item.letters(account.topic)[0], max(account.letters, 1)
        missing = f"the ledger says {disposition}, but there is no such dead letter"
        return _lettered(disposition, (letter,), attempts, missing, known, item.event)
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


def _contradiction(item: Item, account: Account) -> str | None:
    """Say where the ledger's entry cannot be about this event."""
    disposition = account.disposition
    if account.topic != item.entry.topic:
        return f"the ledger has it as of {account.topic}"
    if not item.certain:
        return None
    try:
        expected = item.expect()
    except Refused as refused:
        return (
            None
            if disposition == Disposition.DEAD_LETTERED
            else f"it cannot be served ({refused.reason}), yet the ledger says {disposition}"
        )
    if disposition not in expected.dispositions | {Disposition.DEAD_LETTERED}:
        return f"the ledger says {disposition}, which cannot become of it"
    wanted, found = expected.instance_id, account.instance_id
    event = identity.derived_key(found or "")
    # With `again` a key has several runs, each of an event.
    if disposition in LETTERED or found in (wanted, event and identity.derived_id(wanted, event)):
        return None
    return f"it is for {wanted!r}, but the ledger has it for {found!r}"
