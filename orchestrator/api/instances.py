"""Reads instances, their open waits and parked events for the HTTP API, a page at a time.

The engine cannot filter by status, and each page of its list costs a scan of all ids. So a list of
all ids is read once, then states until a page is full. Neither the engine nor Usher keeps a list of
waits. They come from the histories of runs that go on; a bulk read of the ledger leaves out runs
that ended.
"""

from typing import Literal

from dapr.ext.workflow import WorkflowState, WorkflowStatus
from pydantic import JsonValue

from contracts import identity
from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.http import EventRecord, Instance, Page, Parked, Waiting
from orchestrator.engine.client import Engine
from orchestrator.engine.history import open_waits, stall
from orchestrator.engine.state import FINISHED, Unreadable, instance_of
from orchestrator.intake.arrival import arrive_again
from orchestrator.ledger.known_endings import KnownEndings
from orchestrator.ledger.records import Entry

Status = Literal[
    "PENDING", "RUNNING", "SUSPENDED", "STALLED", "COMPLETED", "FAILED", "TERMINATED", "UNKNOWN"
]
"""How an instance is, in the engine's words."""

MOST_LOOKS = 5000
"""Instances looked at for one page, so that no page takes much longer than five seconds."""


async def page(
    engine: Engine, limit: int, after: str | None, status: str | None, workflow: str | None
) -> Page[Instance]:
    """Return up to `limit` instances whose ids come after `after`.

    Where few of many fit, a page may hold fewer, or none, though more follow.
    """
    found: list[Instance] = []
    last: str | None = None
    for looks, instance_id in enumerate(await _ids(engine, after)):
        if len(found) == limit or looks == MOST_LOOKS:
            return Page[Instance](items=found, next=last)
        last = instance_id
        state = await engine.state(instance_id)
        if state and status in (None, state.runtime_status.name) and workflow in (None, state.name):
            found.append(await shown(engine, state))
    return Page[Instance](items=found)


async def shown(engine: Engine, state: WorkflowState) -> Instance:
    """Show an instance; a stalled one with the reason, for which its history is read."""
    instance = instance_of(state)
    if state.runtime_status is not WorkflowStatus.STALLED:
        return instance
    if isinstance(state, Unreadable):
        return instance.model_copy(update={"stalled": state.stall})
    history = await engine.history(state.instance_id) or []
    return instance.model_copy(update={"stalled": stall(history)})


async def waits(
    engine: Engine, endings: KnownEndings, limit: int, after: str | None
) -> Page[Waiting]:
    """Return the waits of the next `limit` instances after an id."""
    going_on = await endings.not_ended(await _ids(engine, after), limit + 1)
    items = [
        wait for instance_id in going_on[:limit] for wait in await _waits_of(engine, instance_id)
    ]
    following = going_on[limit - 1] if len(going_on) > limit else None
    return Page[Waiting](items=items, next=following)


def event_record(entry: Entry) -> EventRecord:
    """Show what became of an event."""
    return EventRecord(
        disposition=entry.disposition,
        route=entry.route,
        instance_id=entry.instance_id,
        duplicates=entry.duplicates,
        digest=entry.command,
        others=len(entry.others),
        at=entry.at,
    )


def parked(entry: Entry) -> Parked:
    """Show a parked event. If its command cannot be read, show only its ids."""
    arrival = arrive_again(entry)
    event, command = arrival.event, arrival.command
    name: str | None = None
    data: JsonValue = None
    workflow: str | None = None
    if isinstance(command, RaiseEvent):
        name, data = command.event, command.data
    elif isinstance(command, StartWorkflow):
        name, data, workflow = "start", command.input, command.workflow
    elif isinstance(command, ControlInstance):
        name = command.control
    return Parked(
        instance_id=entry.instance_id,
        event=name,
        data=data,
        id=event.id,
        source=event.source,
        parked_at=entry.at,
        until=entry.until,
        why=entry.why,
        route=entry.route,
        workflow=workflow,
    )


async def _ids(engine: Engine, after: str | None) -> list[str]:
    ids = (one for one in await engine.all_ids() if not identity.is_own_run(one))
    return sorted(one for one in ids if after is None or one > after)


async def _waits_of(engine: Engine, instance_id: str) -> list[Waiting]:
    state = await engine.state(instance_id)
    if state is None or state.runtime_status in FINISHED or isinstance(state, Unreadable):
        return []
    return [
        Waiting(
            instance_id=instance_id,
            workflow=state.name,
            status=state.runtime_status.name,
            event=wait.event,
            since=wait.since,
            until=wait.until,
        )
        for wait in open_waits(await engine.history(instance_id) or [])
    ]
