"""Tells `usher audit` what the ledger has of events, and whether each entry left its traces.

An entry alone proves little: it may have been edited, or what it speaks of may be gone. So each
disposition is held against what its steps wrote elsewhere.
"""

from collections.abc import Iterable
from datetime import timedelta

from contracts import identity
from contracts.http import Account
from orchestrator.engine.client import Engine
from orchestrator.engine.state import Unreadable, cause_of
from orchestrator.intake.parking import Parking
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Disposition, Ended, Entry, Holder

OVERDUE = timedelta(minutes=5)
"""How long after its deadline an event may still wait: `redelivery` looks for overdue ones."""


class Accountant:
    """Reads ledger, engine and parking in bulk; changes nothing."""

    def __init__(self, ledger: Ledger, engine: Engine, parking: Parking) -> None:
        self._ledger = ledger
        self._engine = engine
        self._parking = parking

    async def accounts(self, keys: Iterable[str], broken: set[str] | None = None) -> list[Account]:
        """Return what is known of these events; one that the ledger has not is left out, as is one
        whose record is broken, which is added to `broken`."""
        entries = await self._ledger.get_many(keys, broken)
        ids = {entry.instance_id for entry in entries if entry.instance_id}
        endings = await self._ledger.endings(ids)
        holders = await self._ledger.holders(
            entry.instance_id for entry in entries if entry.instance_id and not _derived(entry)
        )
        return [await self._account(entry, endings, holders) for entry in entries]

    async def _account(
        self, entry: Entry, endings: dict[str, Ended], holders: dict[str, Holder]
    ) -> Account:
        instance_id = entry.instance_id or ""
        ended, holder = endings.get(instance_id), holders.get(instance_id)
        missing = notice = None
        # A held start is claimed only while it is made, or was cut off and is made again.
        disposition = Disposition.PARKED if entry.held else entry.disposition
        match disposition:
            case Disposition.STARTED:
                missing = await self._start_missing(entry, ended, holder)
                if ended and ended.key == entry.key and ended.announced:
                    notice = identity.notice_id(instance_id, entry.key)
            case Disposition.DUPLICATE:
                missing = await self._twin_missing(entry, holder)
            case Disposition.DELIVERED if not (ended or await self._engine.state(instance_id)):
                missing = f"no trace of the instance {instance_id!r} it was delivered to"
            case Disposition.DELIVERED if ended and ended.never_read(entry.key):
                missing = (
                    f"its run {instance_id!r} ended {ended.outcome} without having read it: "
                    "publish it anew, should it still matter"
                )
            case Disposition.PARKED:
                missing = await self._wait_missing(entry)
        return Account(
            key=entry.key,
            topic=entry.topic,
            disposition=disposition,
            instance_id=entry.instance_id,
            letters=entry.letters,
            attempt=entry.attempt,
            at=entry.at,
            notice=notice,
            missing=missing,
            command=entry.command,
        )

    async def _wait_missing(self, entry: Entry) -> str | None:
        late = entry.until and entry.until < self._ledger.now() - OVERDUE
        being_made = entry.disposition is Disposition.CLAIMED
        if not late and (being_made or await self._parking.holds(entry)):
            return None
        now = await self._ledger.get(entry.key)
        if now is None or now.final:
            return None
        if late:
            return (
                f"it waits for {entry.instance_id!r} though its deadline was {entry.until}: the "
                "orchestrator's log has why"
            )
        return (
            f"it is parked for {entry.instance_id!r}, but is not on the list of that instance, or "
            "has no end"
        )

    async def _start_missing(
        self, entry: Entry, ended: Ended | None, holder: Holder | None
    ) -> str | None:
        instance_id = entry.instance_id or ""
        if not _derived(entry) and (holder is None or holder.key != entry.key):
            return f"the ledger does not say that it took the instance id {instance_id!r}"
        if ended and ended.key == entry.key:
            return None
        state = await self._engine.state(instance_id)
        if isinstance(state, Unreadable):
            return f"of its run {instance_id!r}, {state.stall.message}"
        if state is not None and cause_of(state).key == entry.key:
            return None
        return f"no trace of the run {instance_id!r}: not in the engine, nor among the endings"

    async def _twin_missing(self, entry: Entry, holder: Holder | None) -> str | None:
        """A start is a duplicate of the event that took its instance id for the very same."""
        if holder and holder.key != entry.key and holder.digest == entry.digest:
            if await self._ledger.get(holder.key):
                return None
            return f"the ledger has lost the event it is a duplicate of, {holder.key}"
        return f"nothing says that another event took {entry.instance_id!r} for the same run"


def _derived(entry: Entry) -> bool:
    """Tell whether the instance id comes from the event, whose entry then is its own claim."""
    return (entry.instance_id or "").endswith(f"-{identity.DERIVED_MARK}{entry.key}")
