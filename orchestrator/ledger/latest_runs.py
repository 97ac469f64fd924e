"""The latest run of each key, where a route starts a new run for each event (`again`).

Such a run has an id of its own, made of the key's id and the event. The record of a key names the
run that events of the key are for.
"""

from collections.abc import Callable

import structlog

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.parked_lists import ParkedLists
from orchestrator.ledger.records import Disposition, Entry, LatestRun
from orchestrator.ledger.store import BrokenRecord, Record, RecordStore, read_as

_log = structlog.get_logger()


class LatestRuns:
    """One record for each key: of the id that the key alone gives (`base_id`)."""

    def __init__(self, store: RecordStore, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._lists = ParkedLists(store)

    async def get(self, base_id: str) -> LatestRun | None:
        """Return the latest run of a key; None where there is none."""
        at = latest_at(base_id)
        try:
            record, _ = await self._store.read(at)
        except BrokenRecord as error:
            _log.error("taken for not there", error=str(error))
            return None
        return latest_in(at, record)

    async def advance(self, base_id: str, run: LatestRun) -> None:
        """Name a run, unless one is named that was claimed later."""

        def advanced(now: LatestRun | None) -> bool:
            return now is None or now.claimed_at < run.claimed_at

        await self._write(base_id, run, advanced)

    async def replace(self, base_id: str, run: LatestRun, seen: LatestRun | None) -> LatestRun:
        """Name `run` if the record still has `seen`. Return the run that the record names now."""
        return await self._write(base_id, run, lambda now: now in (None, seen))

    async def adopt(self, base_id: str, instance_id: str) -> str:
        """Move the events that were parked for a key to the run that they are for.

        That is `instance_id`, or the latest run if only the key was known. Return that run, or
        `base_id` where there is none. Safe to repeat, and to do twice at once.
        """
        if instance_id == base_id:
            latest = await self.get(base_id)
            if latest is None:
                return base_id
            instance_id = latest.instance_id

        def moved(now: Entry) -> Entry | None:
            waits = now.disposition is Disposition.PARKED and now.instance_id == base_id
            return now.model_copy(update={"instance_id": instance_id}) if waits else None

        keys, etag = await self._lists.read(base_id)
        for one in await self._ledger.get_many(keys):
            entry = await self._ledger.change(one.key, moved)
            if entry and entry.disposition is Disposition.PARKED:
                await self._lists.add(entry.instance_id or "", entry.key, {})
        if keys:
            await self._lists.remove(base_id, keys, etag)
        return instance_id

    async def _write(self, base_id: str, run: LatestRun, may: Callable[..., bool]) -> LatestRun:
        at = latest_at(base_id)

        def changed(record: Record | None) -> Record | None:
            return run.model_dump(mode="json") if may(latest_in(at, record)) else None

        try:
            return latest_in(at, await self._store.update(at, changed)) or run
        except BrokenRecord as error:
            _log.error("written anew", error=str(error))
            await self._store.mend(at, run.model_dump(mode="json"))
            return run


def latest_at(base_id: str) -> str:
    """Return the key of the record in the store."""
    return f"latest-{base_id}"


def latest_in(at: str, record: Record | None) -> LatestRun | None:
    """Return the run that a record names; None where it is broken, or there is none."""
    try:
        return None if record is None else read_as(LatestRun, at, record)
    except BrokenRecord as error:
        _log.error("taken for not there", error=str(error))
        return None
