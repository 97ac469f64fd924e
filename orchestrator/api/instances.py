"""Reads instances, their open waits and parked events for the HTTP API, a page at a time.

The engine cannot filter by status, and each page of its list costs a scan of all ids. So a list of
all ids is read once, then states until a page is full. Neither the engine nor Usher keeps a list of
waits. They come from the histories of runs that go on; a bulk read of the ledger leaves out runs
that ended.
"""

from typing import Any, Literal

from dapr.ext.workflow import WorkflowState, WorkflowStatus

from contracts import identity
from contracts.commands import ControlInstance, RaiseEvent
from orchestrator.engine.client import Engine
from orchestrator.engine.history import open_waits, stall
from orchestrator.engine.state import FINISHED, Instance, Unreadable, instance_of
from orchestrator.intake.arrival import arrive
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
) -> tuple[list[WorkflowState], str | None]:
    """Return up to `limit` instances whose ids come after `after`, and the cursor of what follows.

    Where few of many fit, a page may hold fewer, or none, though more follow.
    """
    found: list[WorkflowState] = []
    last: str | None = None
    for looks, instance_id in enumerate(await _ids(engine, after)):
        if len(found) == limit or looks == MOST_LOOKS:
            return found, last
        last = instance_id
        state = await engine.state(instance_id)
        if state and status in (None, state.runtime_status.name) and workflow in (None, state.name):
            found.append(state)
    return found, None


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
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the waits of the next `limit` instances after an id, and the cursor of the rest."""
    going_on = await endings.not_ended(await _ids(engine, after), limit + 1)
    items = [
        wait for instance_id in going_on[:limit] for wait in await _waits_of(engine, instance_id)
    ]
    return items, going_on[limit - 1] if len(going_on) > limit else None


def parked(entry: Entry) -> dict[str, Any]:
    """Show a parked event. If its command cannot be read, show only its ids."""
    arrival = arrive(entry.topic, entry.accepted())
    event, command = arrival.event, arrival.command
    shown: dict[str, Any] = {"instance_id": entry.instance_id, "event": None, "data": None}
    if isinstance(command, RaiseEvent):
        shown |= {"event": command.event, "data": command.data}
    elif isinstance(command, ControlInstance):
        shown |= {"event": command.control}
    ids = {"id": event.id, "source": event.source, "parked_at": entry.at}
    return {**shown, **ids, "until": entry.until, "why": entry.why}


async def _ids(engine: Engine, after: str | None) -> list[str]:
    ids = (one for one in await engine.all_ids() if not identity.is_own_run(one))
    return sorted(one for one in ids if after is None or one > after)


async def _waits_of(engine: Engine, instance_id: str) -> list[dict[str, Any]]:
    state = await engine.state(instance_id)
    if state is None or state.runtime_status in FINISHED or isinstance(state, Unreadable):
        return []
    status = state.runtime_status.name
    about = {"instance_id": instance_id, "workflow": state.name, "status": status}
    history = await engine.history(instance_id) or []
    return [{**about, **wait.model_dump(mode="json")} for wait in open_waits(history)]
