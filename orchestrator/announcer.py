"""Says how runs ended: for the workflow's own last step, and for those that could not say it."""

from dapr.ext.workflow import WorkflowStatus

from contracts.events import WorkflowCompleted
from orchestrator import views
from orchestrator.catalogue import Catalogue
from orchestrator.engine import FINISHED, Engine
from orchestrator.envelope import Cause
from orchestrator.ledger import Ledger
from orchestrator.notices import of_state
from orchestrator.outbox import Outbox
from orchestrator.records import Ended
from orchestrator.tracing import TRACEPARENT, continuing


class Announcer:
    """Publishes first, writes that down second: a crash between the two publishes it again under
    the same id, which the notifier shows once."""

    def __init__(
        self, catalogue: Catalogue, engine: Engine, ledger: Ledger, outbox: Outbox
    ) -> None:
        self._catalogue = catalogue
        self._engine = engine
        self._ledger = ledger
        self._outbox = outbox

    async def announce(self, notice: WorkflowCompleted, cause: Cause) -> None:
        """Publish that a run ended, and note it with the events the run had seen."""
        ended = Ended(key=cause.key, outcome=notice.outcome, seen=list(cause.seen))
        with continuing({TRACEPARENT: cause.traceparent}, "announce an ending"):
            await self._outbox.completed(notice, cause)
            await self._ledger.end(notice.instance_id, ended)

    async def announce_ended(self, instance_id: str) -> WorkflowStatus | None:
        """Announce a run that has ended and has not said so; return its status, None if gone."""
        state = await self._engine.state(instance_id)
        if state is None or state.runtime_status not in FINISHED:
            return state.runtime_status if state else None
        cause = views.cause(state)
        definition = self._catalogue.workflows.get(state.name)
        announces = definition is None or definition.tag.announce
        if cause.key and await self._ledger.ended(instance_id) is None:
            if announces:
                await self.announce(of_state(state, cause), cause)
            else:
                outcome = state.runtime_status.name
                await self._ledger.end(
                    instance_id, Ended(key=cause.key, outcome=outcome, announced=False)
                )
        return state.runtime_status
