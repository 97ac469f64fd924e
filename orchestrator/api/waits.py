"""Who waits for which event: read from the histories of runs that go on, a page at a time.

The engine keeps no list of waits, and we keep none: what is read each time is never stale. Ended
runs are left out by the ledger, in bulk; a run that goes on costs one look at its state and one at
its history, and those after the page cost nothing.
"""

from typing import Any

from contracts import identity
from orchestrator.engine.client import FINISHED, Engine
from orchestrator.engine.history import open_waits
from orchestrator.engine.state import Unreadable
from orchestrator.ledger.known_endings import Endings


async def page(
    engine: Engine, endings: Endings, limit: int, after: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the waits of the next `limit` instances after an id, and the cursor of the rest."""
    ids = sorted(
        one
        for one in await engine.all_ids()
        if not identity.is_own_run(one) and (after is None or one > after)
    )
    going_on = await endings.not_ended(ids, limit + 1)
    items = [wait for instance_id in going_on[:limit] for wait in await _waits(engine, instance_id)]
    return items, going_on[limit - 1] if len(going_on) > limit else None


async def _waits(engine: Engine, instance_id: str) -> list[dict[str, Any]]:
    state = await engine.state(instance_id)
    if state is None or state.runtime_status in FINISHED or isinstance(state, Unreadable):
        return []
    status = state.runtime_status.name
    about = {"instance_id": instance_id, "workflow": state.name, "status": status}
    history = await engine.history(instance_id) or []
    return [{**about, **wait.model_dump(mode="json")} for wait in open_waits(history)]
