"""Raises events to instances, and makes sure that they arrived."""

from dapr.ext.workflow import WorkflowState, WorkflowStatus
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from contracts.commands import RaiseEvent
from orchestrator.authoring.catalogue import Catalogue
from orchestrator.engine.client import Engine
from orchestrator.engine.envelope import seal_event
from orchestrator.engine.instance_call import TAKES_SECONDS, one_instance
from orchestrator.engine.state import FINISHED, NotNow, cause_of
from orchestrator.intake.refusal_texts import finished
from orchestrator.ledger.ledger import Ledger


class EventDelivery:
    """Raises events and looks again after: the engine silently drops those for ended instances."""

    def __init__(self, engine: Engine, ledger: Ledger, catalogue: Catalogue) -> None:
        self._engine = engine
        self._ledger = ledger
        self._catalogue = catalogue

    async def hand_over(
        self,
        state: WorkflowState,
        key: str,
        command: RaiseEvent,
        seconds: float = TAKES_SECONDS,
    ) -> None:
        """Raise an event to the instance whose state was read just now.

        Raises `Refused(instance_finished)` where it came too late, and `NotNow` where the instance
        does not accept it within `seconds`, or has code that is not here. Safe to repeat, because
        the workflow drops events that it has seen.
        """
        instance_id = state.instance_id
        if (
            not state.name
        ):  # the name comes with the first turn; an instance with a broken record has none
            raise NotNow(f"{instance_id!r} has made no turn yet", stalled=True)
        if state.name not in self._catalogue.workflows:
            said = f"{instance_id!r} is a run of {state.name!r}, which no file here has"
            raise NotNow(said, stalled=True)
        async with one_instance(self._engine, instance_id, seconds):
            sealed = seal_event(key, command.data)
            await self._engine.raise_event(instance_id, command.event, sealed)
        if cause_of(state).code == self._catalogue.code:
            after = await self._engine.state(instance_id)
        else:
            after = await self._turned(state, seconds)
        if after is None or after.runtime_status not in FINISHED:
            return
        ended = await self._ledger.ended(instance_id)
        terminated = after.runtime_status is WorkflowStatus.TERMINATED
        if (key not in ended.seen) if ended and ended.announced else terminated:
            raise finished(instance_id, after.runtime_status.name)

    async def _turned(self, before: WorkflowState, seconds: float) -> WorkflowState | None:
        """Wait for the turn that an event causes, and return the state after it.

        The turn may stall a run that began with other code. Then the event was not read and must
        go on waiting, so this raises `NotNow`.
        """
        instance_id = before.instance_id

        def is_old(now: WorkflowState | None) -> bool:
            return now is not None and now.last_updated_at == before.last_updated_at

        watching = AsyncRetrying(
            stop=stop_after_delay(seconds), wait=wait_fixed(0.05), retry=retry_if_result(is_old)
        )
        try:
            after: WorkflowState | None = await watching(self._engine.state, instance_id)
        except RetryError as error:
            raise NotNow(f"{instance_id!r} has made no turn of it", stalled=False) from error
        if after and after.runtime_status is WorkflowStatus.STALLED:
            raise NotNow(f"{instance_id!r} was stalled by its turn", stalled=True)
        return after
