"""The orchestrator's core on memory: a state store, an engine and a broker that tests look into.

The store can end the world after any write, as a crash would; the engine forgets nothing then, and
runs a finished instance again when it is scheduled again, as the real one does.
"""

import copy
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from dapr.ext.workflow import WorkflowStatus

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.http import HistoryEvent
from contracts.refusal import Refused
from contracts.routes.route import Route
from orchestrator.authoring.catalogue import Catalogue
from orchestrator.engine.client import Engine
from orchestrator.engine.envelope import Cause, seal
from orchestrator.engine.state import FINISHED
from orchestrator.inbox import Inbox
from orchestrator.intake.actions import Outcome
from orchestrator.intake.arrival import arrive
from orchestrator.intake.assembly import assemble
from orchestrator.intake.routed_arrivals import Router
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.store import Read, Record, RecordStore
from orchestrator.metrics import Metrics
from orchestrator.outbox import Outbox
from orchestrator.runs.announcer import Announcer

CATALOGUE = Catalogue.scan()


class Crash(BaseException):
    """The process is gone; nothing catches this."""


class MemoryStore(RecordStore):
    """First-write records with etags."""

    def __init__(self) -> None:
        self.records: dict[str, tuple[Record, int]] = {}
        self.crash_after: int | None = None
        """With so many more writes the process ends: after the last of them, or just before it."""
        self.crash_before = False

    async def read(self, key: str) -> tuple[Record | None, str]:
        record, version = self.records.get(key, (None, 0))
        return copy.deepcopy(record), str(version) if record is not None else ""

    async def read_many(self, keys: Iterable[str], broken: set[str] | None = None) -> Read:
        assert not broken
        found = {key: await self.read(key) for key in keys}
        return {key: (record, etag) for key, (record, etag) in found.items() if record is not None}

    async def create(self, key: str, record: Record) -> Record:
        if key in self.records:
            return copy.deepcopy(self.records[key][0])
        self._write(key, record, 1)
        return record

    async def mend(self, key: str, record: Record) -> None:
        self._write(key, record, self.records[key][1] + 1)

    async def replace(self, key: str, record: Record, etag: str) -> bool:
        version = self.records[key][1]
        if str(version) != etag:
            return False
        self._write(key, record, version + 1)
        return True

    def _write(self, key: str, record: Record, version: int) -> None:
        if self.crash_after is not None:
            self.crash_after -= 1
        ends = self.crash_after is not None and self.crash_after <= 0
        if not (ends and self.crash_before):
            self.records[key] = (json.loads(json.dumps(record)), version)
        if ends:
            self.crash_after = None
            raise Crash


async def nothing() -> None:
    """Do nothing."""


@dataclass
class MemoryEngine:
    """Instances by id, what was done to them, and what a call raises instead."""

    states: dict[str, WorkflowStatus] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """Of workflows, by instance, where it is another than `hello_workflow`."""
    raises: dict[str, Exception] = field(default_factory=dict)
    done: list[tuple[Any, ...]] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)
    received: dict[str, list[Any]] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    timers: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    gate: Callable[[], Awaitable[object]] = nothing
    well: bool = True
    events: list[HistoryEvent] = field(default_factory=list)

    async def state(self, instance_id: str) -> Any:
        await self.gate()
        self._call("state")
        status = self.states.get(instance_id)
        text = json.dumps(self.inputs.get(instance_id))
        return status and SimpleNamespace(
            instance_id=instance_id,
            runtime_status=status,
            serialized_input=text,
            name=self.names.get(instance_id, "hello_workflow"),
            last_updated_at=len(self.received.get(instance_id, ())),
        )

    async def schedule(self, workflow: str, value: Any, instance_id: str, cause: Cause) -> bool:
        self._call("schedule", workflow, value, instance_id, cause.event_id)
        if instance_id in self.states and self.states[instance_id] not in FINISHED:
            return False
        self.states[instance_id] = WorkflowStatus.RUNNING
        self.inputs[instance_id] = seal(cause, value)
        self.executions.append(instance_id)
        return True

    async def schedule_at(
        self, workflow: str, value: Any, instance_id: str, time: datetime
    ) -> None:
        assert workflow == identity.OWN_RUN
        self.timers.setdefault(instance_id, (value, time))

    async def raise_event(self, instance_id: str, name: str, data: Any) -> None:
        self._call("raise_event", instance_id, name, data)
        self.received.setdefault(instance_id, []).append(data)

    async def is_well(self) -> bool:
        return self.well

    async def history(self, _: str) -> list[HistoryEvent]:
        return self.events

    async def terminate(self, instance_id: str, reason: str | None) -> None:
        self._call("terminate", instance_id, reason)
        self.states[instance_id] = WorkflowStatus.TERMINATED

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        return partial(self._asked, name)

    async def _asked(self, name: str, *arguments: Any) -> None:
        self._call(name, *arguments)

    def _call(self, name: str, *arguments: Any) -> None:
        if name in self.raises:
            raise self.raises[name]
        if arguments:
            self.done.append((name, *arguments))


@dataclass
class MemoryOutbox:
    """The dead letters that were published, or what publishing raises."""

    raises: Exception | None = None
    letters: list[tuple[str, CloudEvent, Refused]] = field(default_factory=list)
    routes: list[str | None] = field(default_factory=list)
    """Of the dead letters."""

    async def dead_letter(
        self,
        topic: str,
        event: CloudEvent,
        refusal: Refused,
        attempts: int,
        route: str | None = None,
    ) -> None:
        if self.raises:
            raise self.raises
        assert attempts >= 1
        self.letters.append((topic, event, refusal))
        self.routes.append(route)

    @property
    def reasons(self) -> list[Reason]:
        return [refusal.reason for _, _, refusal in self.letters]


class World:
    """One orchestrator's core, and what it works on."""

    def __init__(
        self,
        engine: MemoryEngine | None = None,
        outbox: MemoryOutbox | None = None,
        parked_for: float = 3600,
        routes: Sequence[Route] = (),
    ) -> None:
        self.engine = engine or MemoryEngine()
        self.outbox = outbox or MemoryOutbox()
        self.store = MemoryStore()
        real, out = cast(Engine, self.engine), cast(Outbox, self.outbox)
        self.ledger = Ledger(self.store)
        announcer = Announcer(CATALOGUE.workflows, real, self.ledger, out)
        wait, catalogue = timedelta(seconds=parked_for), replace(CATALOGUE, routes=tuple(routes))
        intake = assemble(self.store, self.ledger, real, out, announcer, catalogue, wait)
        self.facts, self.parking, self.dispatcher = intake.facts, intake.parking, intake.dispatcher
        self.held_starts = intake.held_starts
        self.inbox = Inbox(self.dispatcher, Metrics(), Router(routes, {}))

    async def serve(self, topic: str, event: CloudEvent) -> Outcome:
        """Serve an event as the inbox does; raise what makes the inbox ask for it again."""
        return await self.dispatcher.serve(arrive(topic, event))

    async def disposition(self, event: CloudEvent) -> str | None:
        entry = await self.ledger.find(event.source, event.id)
        return str(entry.disposition) if entry else None
