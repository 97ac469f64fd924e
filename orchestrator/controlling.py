"""Terminates, suspends, resumes and purges instances, and says so where that ends one."""

from dapr.ext.workflow import WorkflowStatus
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.announcer import Announcer
from orchestrator.decision import Control
from orchestrator.engine import FINISHED, Engine

ENDS_WITHIN_SECONDS = 4
"""How long a termination is watched; what takes longer is announced by the reconciler."""


class Controller:
    """Carries out the decision to steer an instance; each step may be repeated."""

    def __init__(self, engine: Engine, announcer: Announcer) -> None:
        self._engine = engine
        self._announcer = announcer

    async def carry_out(self, control: Control) -> None:
        """Steer the instance; one that ends by it is announced, one purged was before.

        One that is gone was steered before, by this event or another: there is nothing to do.
        """
        instance_id = control.instance_id
        match control.control:
            case "terminate":
                # One that is over already was cut off in between: it is only announced.
                status = await self._announcer.announce_ended(instance_id)
                if status is not None and status not in FINISHED:
                    await self._engine.terminate(instance_id, control.reason)
                    await self._announce(instance_id)
            case "suspend" if not await self._is_suspended(instance_id):
                await self._engine.suspend(instance_id)
            case "resume" if await self._is_suspended(instance_id):
                await self._engine.resume(instance_id)
            case "purge":
                if await self._announcer.announce_ended(instance_id) is not None:
                    await self._engine.purge(instance_id)

    async def _is_suspended(self, instance_id: str) -> bool:
        """The SDK fails a run that is told to resume and was not suspended."""
        state = await self._engine.state(instance_id)
        return state is not None and state.runtime_status is WorkflowStatus.SUSPENDED

    async def _announce(self, instance_id: str) -> None:
        watching = AsyncRetrying(
            stop=stop_after_delay(ENDS_WITHIN_SECONDS),
            wait=wait_fixed(0.1),
            retry=retry_if_result(lambda status: status not in FINISHED),
            retry_error_callback=lambda _: None,
        )
        await watching(self._announcer.announce_ended, instance_id)
