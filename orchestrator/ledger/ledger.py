"""The ledger: the outcome of every accepted event, and the event that holds each instance id.

Entries are keyed by the event's source and id. They outlive the instance: the ledger keeps them for
its whole window.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import structlog

from contracts import identity
from contracts.events import Reason
from contracts.refusal import Refused
from orchestrator.ledger.records import Disposition, Ended, Entry, Holder, Known
from orchestrator.ledger.store import (
    BrokenRecord,
    Busy,
    Record,
    RecordStore,
    read_as,
    readable,
)

_log = structlog.get_logger()

OTHERS_KEPT = 16
"""Most other events of one source and id that an entry notes."""


class Ledger:
    """Reads and writes the ledger.

    Raises `RpcError` where the store is away, and `Refused` where an entry belongs to another event
    with the same source and id.
    """

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    async def find(self, source: str, event_id: str) -> Entry | None:
        """Return the entry of an event, None where there is none."""
        return await self.get(identity.event_key(source, event_id))

    async def get(self, key: str) -> Entry | None:
        record, _ = await self._store.read(entry_at(key))
        return None if record is None else read_as(Entry, entry_at(key), record)

    async def get_many(self, keys: Iterable[str], broken: set[str] | None = None) -> list[Entry]:
        """Return the entries that are there. Keys of broken ones are added to `broken`."""
        names: set[str] = set()
        found = await self._store.read_many(map(entry_at, keys), names)
        entries = readable(Entry, found, names)
        if broken is not None:
            broken |= {name.removeprefix(entry_at("")) for name in names}
        return [*entries.values()]

    async def create(self, entry: Entry) -> Entry:
        """Write an entry where none is; return the entry that is there now."""
        at = entry_at(entry.key)
        return read_as(Entry, at, await self._store.create(at, _json(entry)))

    async def change(self, key: str, change: Callable[[Entry], Entry | None]) -> Entry | None:
        """Write what `change` returns for an entry; nothing where it returns None.

        Return the entry that is there now.
        """
        at = entry_at(key)

        def changed(record: Record | None) -> Record | None:
            entry = None if record is None else change(read_as(Entry, at, record))
            return None if entry is None else _json(entry)

        record = await self._store.update(at, changed)
        return None if record is None else read_as(Entry, at, record)

    async def take_over(self, held: Entry, entry: Entry) -> Entry:
        """Write `entry` as the next attempt at an event, over the entry that was read as `held`.

        Raises `Busy` where that entry has changed since.
        """
        kept = {name: getattr(held, name) for name in ("letters", "duplicates", "others")}
        ours = entry.model_copy(update={"attempt": held.attempt + 1, **kept})
        at, after = entry_at(held.key), _json(ours)

        def taken(record: Record | None) -> Record | None:
            return after if record is not None and read_as(Entry, at, record) == held else None

        # `is`: a handler that takes over at the same moment may write an equal entry.
        if await self._store.update(at, taken) is not after:
            raise Busy(f"event {held.key} was taken over by another handler")
        return ours

    async def settle(self, entry: Entry, known: Known | None = None) -> None:
        """Write what became of an event. An entry that is final already stays as it is.

        An entry among those `known` is not read again, unless it has changed since.
        """
        entry = entry.model_copy(update={"event": None, "asked": None})
        await self._advance(entry, lambda held: held.final and entry.letters <= held.letters, known)

    async def reenter(self, entry: Entry, known: Known | None = None) -> None:
        """Write that an event is open. An entry that is parked or final stays as it is."""
        parked = Disposition.PARKED
        await self._advance(entry, lambda held: held.final or held.disposition is parked, known)

    async def _advance(
        self, entry: Entry, stays: Callable[[Entry], bool], known: Known | None
    ) -> None:
        """Write an entry, unless there is one that `stays`."""
        at = entry_at(entry.key)

        def advanced(record: Record | None) -> Record | None:
            if record is None:
                return _json(entry)
            held = read_as(Entry, at, record)
            if held.differs(entry.command):
                message = (
                    "another event with its source and id was served at the same moment; this one "
                    "may have been served, too"
                )
                raise Refused(Reason.IDENTITY_REUSED, message, "id")
            kept = {name: getattr(held, name) for name in ("duplicates", "attempt", "others")}
            return None if stays(held) else _json(entry.model_copy(update=kept))

        await self._store.update(at, advanced, (known or {}).get(at))

    async def count_duplicate(self, key: str) -> None:
        """Count one more delivery of an event that is settled."""
        await self.change(key, lambda e: e.model_copy(update={"duplicates": e.duplicates + 1}))

    async def note_other(self, key: str, command: str) -> None:
        """Note in an entry that another event of its source and id was dead-lettered."""

        def noted(entry: Entry) -> Entry | None:
            others = [*entry.others, command][-OTHERS_KEPT:]
            return None if command in entry.others else entry.model_copy(update={"others": others})

        await self.change(key, noted)

    async def holder(self, instance_id: str) -> Holder | None:
        """Return the event that holds an instance id, or None where the id is free."""
        key = identity.derived_key(instance_id)
        entry = await self.get(key) if key else None
        if entry and entry.instance_id == instance_id:
            return Holder(key=entry.key, digest=entry.digest)
        return await self.chosen_by(instance_id)

    async def chosen_by(self, instance_id: str) -> Holder | None:
        """Return the event or parent that chose an instance id, None where none did."""
        at = _instance(instance_id)
        record, _ = await self._store.read(at)
        return None if record is None else read_as(Holder, at, record)

    async def holders(self, instance_ids: Iterable[str]) -> dict[str, Holder]:
        """Return the events that hold these instance ids, by instance id."""
        ids = list(instance_ids)
        derived = {one: key for one in ids if (key := identity.derived_key(one))}
        entries = {entry.key: entry for entry in await self.get_many({*derived.values()})}
        holders = {
            one: Holder(key=key, digest=entries[key].digest)
            for one, key in derived.items()
            if key in entries and entries[key].instance_id == one
        }
        given = {_instance(one): one for one in ids if one not in holders}
        chosen = readable(Holder, await self._store.read_many(given))
        return holders | {given[name]: holder for name, holder in chosen.items()}

    async def take(self, instance_id: str, holder: Holder) -> Holder:
        """Take an instance id for a start; return its holder now."""
        if held := await self.holder(instance_id):
            return held
        return await self.take_chosen(instance_id, holder)

    async def take_chosen(self, instance_id: str, holder: Holder) -> Holder:
        """Take an instance id that was not chosen before; return its holder now."""
        at = _instance(instance_id)
        return read_as(Holder, at, await self._store.create(at, holder.model_dump()))

    async def end(self, instance_id: str, ended: Ended) -> None:
        """Write that a run ended and was announced. The first ending stays, unless it is broken."""
        at, record = _ending(instance_id), ended.model_dump()
        try:
            read_as(Ended, at, await self._store.create(at, record))
        except BrokenRecord:
            await self._store.mend(at, record)

    async def ended(self, instance_id: str) -> Ended | None:
        """Return how an instance ended; None where it has not, or where the record is broken.

        A broken ending is announced again, under the same id.
        """
        at = _ending(instance_id)
        try:
            record, _ = await self._store.read(at)
            return None if record is None else read_as(Ended, at, record)
        except BrokenRecord as error:
            _log.error("taken for not there", error=str(error))
            return None

    async def endings(self, instance_ids: Iterable[str]) -> dict[str, Ended]:
        """Return the endings of the instances that have ended, by instance id."""
        by_key = {_ending(instance_id): instance_id for instance_id in instance_ids}
        found = await self._store.read_many(by_key)
        return {by_key[key]: ended for key, ended in readable(Ended, found).items()}

    async def not_ended(self, instance_ids: Iterable[str]) -> list[str]:
        """Return the instances whose ending was not announced."""
        ids = list(instance_ids)
        endings = await self.endings(ids)
        return [instance_id for instance_id in ids if instance_id not in endings]

    async def may_run(self, key: str, attempt: int) -> bool:
        """Return whether this attempt of a start may run. Only one attempt ever may (the fence)."""
        return await self._store.create(f"ran-{key}", {"attempt": attempt}) == {"attempt": attempt}


def entry_at(key: str) -> str:
    """Return the key of an event's entry in the store."""
    return f"event-{key}"


def _instance(instance_id: str) -> str:
    return f"instance-{instance_id}"


def _ending(instance_id: str) -> str:
    return f"ended-{instance_id}"


def _json(entry: Entry) -> dict[str, Any]:
    return entry.model_dump(mode="json", exclude_defaults=True)
