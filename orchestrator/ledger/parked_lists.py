"""The list of the events that wait for an instance, and the order in which they are handed over."""

from typing import Any

import structlog
from pydantic import BaseModel

from orchestrator.ledger.ledger import read_as
from orchestrator.ledger.records import Entry
from orchestrator.ledger.store import BrokenRecord, Read, Store

_log = structlog.get_logger()


class _Record(BaseModel):
    keys: list[str]


class ParkedLists:
    """One list an instance, of keys of the ledger."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, instance_id: str, read: Read | None = None) -> tuple[list[str], str]:
        """Return the keys on an instance's list, with its etag.

        A broken list holds none: what it held is handed over at its deadline.
        """
        name = list_at(instance_id)
        try:
            record, etag = (
                await self._store.read(name) if read is None else read.get(name, (None, ""))
            )
            return (read_as(_Record, name, record).keys if record is not None else []), etag
        except BrokenRecord as error:
            _log.error("taken for empty", error=str(error))
            await self._store.mend(name, {"keys": []})
            return [], ""

    async def empty(self, instance_id: str, etag: str) -> bool:
        """Empty a list that was read with this etag; False where it has changed since."""
        return await self._store.replace(list_at(instance_id), {"keys": []}, etag)

    async def change(self, instance_id: str, *, add: str = "", remove: str = "") -> None:
        name = list_at(instance_id)
        while True:
            before, etag = await self.read(instance_id)
            after = [key for key in before if key != remove]
            after += [add] if add and add not in after else []
            changed = {"keys": after}
            if after == before:
                return
            if not etag and await self._store.create(name, changed) == changed:
                return
            if etag and await self._store.replace(name, changed, etag):
                return


def list_at(instance_id: str) -> str:
    """Return where the store has the list of an instance."""
    return f"parked-{instance_id}"


def order(entry: Entry) -> tuple[Any, ...]:
    """By the extension `sequence` where there is one, as a number where it is one; else by when
    the event came."""
    sequence = str((entry.event or {}).get("sequence", ""))
    if not sequence:
        return (2, 0, "", entry.at)
    if sequence.isascii() and sequence.isdecimal():
        digits = sequence.lstrip("0")  # compared without `int`, which refuses very long ones
        return (0, len(digits), digits, entry.at)
    return (1, 0, sequence, entry.at)
