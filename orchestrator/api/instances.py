"""Finds instances for the HTTP API, by status and workflow, a page at a time.

The engine cannot be asked for a status, and each of its own pages costs a whole scan: so all ids
come in one go, and of each instance the state is read until a page is full.
"""

from collections.abc import Iterator

from dapr.ext.workflow import WorkflowState, WorkflowStatus

from contracts import identity
from orchestrator.api import views
from orchestrator.api.views import Instance
from orchestrator.engine.client import Engine
from orchestrator.engine.history import stall
from orchestrator.engine.state import Unreadable

MOST_LOOKS = 5000
"""Instances looked at for one page, so that no page takes much longer than five seconds."""


async def page(
    engine: Engine, limit: int, after: str | None, status: str | None, workflow: str | None
) -> tuple[list[WorkflowState], str | None]:
    """Return up to `limit` instances whose ids come after `after`, and the cursor of what follows.

    Where few of many fit, a page may hold fewer, or none, though more follow.
    """
    found: list[WorkflowState] = []
    ids = await _ids(engine, after)
    last: str | None = None
    for looks, instance_id in enumerate(ids):
        if len(found) == limit or looks == MOST_LOOKS:
            return found, last
        last = instance_id
        state = await engine.state(instance_id)
        if state and status in (None, state.runtime_status.name) and workflow in (None, state.name):
            found.append(state)
    return found, None


async def shown(engine: Engine, state: WorkflowState) -> Instance:
    """Show an instance; a stalled one with the reason, for which its history is read."""
    instance = views.instance(state)
    if state.runtime_status is not WorkflowStatus.STALLED:
        return instance
    if isinstance(state, Unreadable):
        return instance.model_copy(update={"stalled": state.stall})
    history = await engine.history(state.instance_id) or []
    return instance.model_copy(update={"stalled": stall(history)})


async def _ids(engine: Engine, after: str | None) -> Iterator[str]:
    ids = sorted(one for one in await engine.all_ids() if not identity.is_own_run(one))
    return (one for one in ids if after is None or one > after)
