"""Keeps events for instances that do not exist yet, and hands them over once they do.

An event's own entry in the ledger holds it; a list for each instance says which wait for it; a
run of the engine that begins at the deadline lets it expire. Nothing polls. Who adds to the list
looks once more whether the instance has come; who starts the instance looks at the list.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog

from contracts.cloudevent import CloudEvent
from contracts.commands import RaiseEvent
from contracts.events import Reason
from contracts.expiry import deadline
from contracts.reading import read_command
from contracts.refusal import Refused
from orchestrator.aside import Aside
from orchestrator.courier import Courier, finished
from orchestrator.engine import FINISHED, Engine
from orchestrator.ledger import Ledger, entry_at
from orchestrator.logs import about
from orchestrator.records import Disposition, Entry
from orchestrator.store import Read, Store
from orchestrator.tracing import continuing

EXPIRE = "usher_expire"
"""The workflow that runs at a deadline; the name is reserved."""
SETTLE = "settle_expired"
"""Its activity; the name is reserved."""

_log = structlog.get_logger()


class Parking:
    """The events that wait for their instance."""

    def __init__(
        self, store: Store, ledger: Ledger, engine: Engine, courier: Courier, aside: Aside
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._engine = engine
        self._courier = courier
        self._aside = aside

    async def park(self, entry: Entry, deadline: datetime) -> Disposition:
        """Keep an event until its instance comes or its deadline; every step may be repeated.

        Return what has become of it by then.
        """
        instance_id = entry.instance_id or ""
        await self._ledger.reenter(entry)
        await self._list(instance_id, add=entry.key)
        await self._engine.schedule_at(EXPIRE, entry.key, _run_id(entry), deadline)
        if await self._engine.state(instance_id) is not None:
            await self.drain(instance_id)
            entry = await self._ledger.get(entry.key) or entry
        return entry.disposition

    async def is_empty(self, instance_id: str) -> bool:
        return not (await self._read(instance_id))[0]

    async def holds(self, entry: Entry) -> bool:
        """Tell whether a parked event is on the list of its instance, and its wait will end."""
        keys, _ = await self._read(entry.instance_id or "")
        run = await self._engine.state(_run_id(entry))
        return entry.key in keys and run is not None and run.runtime_status not in FINISHED

    async def look(self, instance_id: str, key: str) -> Read:
        """Read what waits for an instance, and the entry of the event that starts it, in one go."""
        return await self._store.read_many((_name(instance_id), entry_at(key)))

    async def drain(self, instance_id: str, read: Read | None = None) -> None:
        """Hand over what waits for an instance, in order; two at once hand over the same twice,
        which the workflow sees once. What was `read` just now is not read again."""
        while True:
            keys, etag = await self._read(instance_id, read)
            read = None
            if not keys:
                return
            for entry in sorted(await self._ledger.get_many(keys), key=_order):
                if entry.disposition is Disposition.PARKED:
                    with _handling(entry, "hand over a parked event"):
                        await self._hand_over(entry)
            if await self._store.replace(_name(instance_id), {"keys": []}, etag):
                return

    async def expire(self, key: str) -> None:
        """Put an event aside whose deadline has come, unless it was handed over before."""
        entry = await self._ledger.get(key)
        if entry is None or entry.disposition is not Disposition.PARKED:
            return
        instance_id = entry.instance_id or ""
        if await self._engine.state(instance_id) or await self._ledger.ended(instance_id):
            await self.drain(instance_id)
            return
        message = f"no instance {instance_id!r} came before the event expired"
        with _handling(entry, "let a parked event expire"):
            await self._put_aside(entry, Refused(Reason.EXPIRED, message, "instance_id"))
        await self._list(instance_id, remove=key)

    async def waiting(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Return the events that wait, the oldest first, with what each waits for.

        `ids` are those of all instances: each event has one of ours, which ends its wait one day.
        """
        keys = {one.split("-")[1] for one in ids if one.startswith(f"{EXPIRE}-")}
        entries = await self._ledger.get_many(keys)
        parked = [entry for entry in entries if entry.disposition is Disposition.PARKED]
        return [_shown(entry) for entry in sorted(parked, key=lambda entry: entry.at)]

    async def _hand_over(self, entry: Entry) -> None:
        command = read_command(_event(entry))
        assert isinstance(command, RaiseEvent)
        instance_id = entry.instance_id or ""
        try:
            ended = await self._ledger.ended(instance_id)
            now = self._ledger.now()
            due = deadline(_event(entry), now)
            if ended is None and due and (late := due.passed(now)):
                raise late
            if ended is None:
                await self._courier.hand_over(instance_id, entry.key, command)
            elif entry.key not in ended.seen:
                raise finished(instance_id, ended.outcome)
        except Refused as refused:
            await self._put_aside(entry, refused)
        else:
            delivered = {"disposition": Disposition.DELIVERED, "event": None}
            await self._ledger.settle(entry.model_copy(update=delivered))
            _log.info("delivered")

    async def _put_aside(self, entry: Entry, why: Refused) -> None:
        event = _event(entry)
        await self._aside.put(entry.topic, event, why, entry)
        _log.warning("dead_lettered", reason=str(why.reason))

    async def _read(self, instance_id: str, read: Read | None = None) -> tuple[list[str], str]:
        name = _name(instance_id)
        record, etag = await self._store.read(name) if read is None else read.get(name, (None, ""))
        return (record["keys"], etag) if record else ([], "")

    async def _list(self, instance_id: str, *, add: str = "", remove: str = "") -> None:
        while True:
            record, etag = await self._store.read(_name(instance_id))
            before: list[str] = record["keys"] if record else []
            after = [key for key in before if key != remove]
            after += [add] if add and add not in after else []
            changed = {"keys": after}
            if after == before:
                return
            if record is None and await self._store.create(_name(instance_id), changed) == changed:
                return
            if record is not None and await self._store.replace(_name(instance_id), changed, etag):
                return


@contextmanager
def _handling(entry: Entry, name: str) -> Iterator[None]:
    """Work on a parked event: in its trace, and with lines that say which it is."""
    with continuing(entry.event or {}, name), about(_event(entry), entry.instance_id):
        yield


def _name(instance_id: str) -> str:
    return f"parked-{instance_id}"


def _run_id(entry: Entry) -> str:
    """Return the id of the run that lets an event expire."""
    return f"{EXPIRE}-{entry.key}-{entry.attempt}"


def _event(entry: Entry) -> CloudEvent:
    return CloudEvent.from_dict(entry.event)


def _order(entry: Entry) -> tuple[Any, ...]:
    """By the extension `sequence` where there is one, as a number where it is one; else by when
    the event came."""
    sequence = str((entry.event or {}).get("sequence", ""))
    if not sequence:
        return (2, 0, "", entry.at)
    if sequence.isdecimal():
        return (0, int(sequence), "", entry.at)
    return (1, 0, sequence, entry.at)


def _shown(entry: Entry) -> dict[str, Any]:
    event = _event(entry)
    command = read_command(event)
    assert isinstance(command, RaiseEvent)
    return {
        "instance_id": entry.instance_id,
        "event": command.event,
        "data": command.data,
        "id": event.id,
        "source": event.source,
        "parked_at": entry.at,
    }
