"""Lists of the events parked for each instance, and the order in which they are delivered.

Starts that are held until they are due have a list of their own for each instance: they delay no
event, and no event delays them.
"""

from typing import Any

import structlog
from pydantic import BaseModel

from orchestrator.ledger.records import Entry, Known
from orchestrator.ledger.store import BrokenRecord, Record, RecordStore, read_as

PARKED = "parked"
HELD = "held"

_log = structlog.get_logger()


class _Record(BaseModel):
    keys: list[str]


class ParkedLists:
    """One list of ledger keys for each instance: of its parked events, or of its held starts."""

    def __init__(self, store: RecordStore, kind: str = PARKED) -> None:
        self._store = store
        self._kind = kind

    async def read(self, instance_id: str, known: Known | None = None) -> tuple[list[str], str]:
        """Return the keys on an instance's list, with its etag. A broken list is empty.

        The events of a broken list are handed over at their deadlines.
        """
        name = list_at(instance_id, self._kind)
        try:
            record, etag = (
                await self._store.read(name) if known is None else known.get(name, (None, ""))
            )
            return _keys(name, record), etag
        except BrokenRecord as error:
            await self._mend(name, error)
            return [], ""

    async def add(self, instance_id: str, key: str, known: Known) -> None:
        """Put a key on an instance's list, unless it is there."""
        name = list_at(instance_id, self._kind)

        def longer(record: Record | None) -> Record | None:
            keys = _keys(name, record)
            return None if key in keys else {"keys": [*keys, key]}

        try:
            await self._store.update(name, longer, known.get(name))
        except BrokenRecord:
            await self.read(instance_id)  # mends it, if it is broken still
            await self._store.update(name, longer)

    async def remove(self, instance_id: str, keys: list[str], etag: str = "") -> bool:
        """Take keys off an instance's list; return whether the list is empty now.

        With an `etag`, `keys` are the whole list as it was read, which saves a read.
        """
        name = list_at(instance_id, self._kind)

        def shorter(record: Record | None) -> Record | None:
            left = [key for key in _keys(name, record) if key not in keys]
            return None if record is None else {"keys": left}

        try:
            known: Record = {"keys": keys}
            left = await self._store.update(name, shorter, (known, etag) if etag else None)
        except BrokenRecord as error:
            await self._mend(name, error)
            return True
        return not _keys(name, left)

    async def _mend(self, name: str, error: BrokenRecord) -> None:
        _log.error("taken for empty", error=str(error))
        await self._store.mend(name, {"keys": []})


def _keys(name: str, record: Record | None) -> list[str]:
    return [] if record is None else read_as(_Record, name, record).keys


def list_at(instance_id: str, kind: str = PARKED) -> str:
    """Return the key of an instance's list in the store."""
    return f"{kind}-{instance_id}"


def order(entry: Entry) -> tuple[Any, ...]:
    """Return the sort key of a parked event.

    Events with the extension `sequence` go first: numbers by value, then texts. All others follow
    in the order in which they came.
    """
    sequence = str((entry.event or {}).get("sequence", ""))
    if not sequence:
        return (2, 0, "", entry.at)
    if sequence.isascii() and sequence.isdecimal():
        digits = sequence.lstrip("0")  # compared without `int`, which refuses very long ones
        return (0, len(digits), digits, entry.at)
    return (1, 0, sequence, entry.at)
