"""Terminates, suspends, resumes and purges instances, and announces the ends this causes."""

import time

import structlog
from dapr.ext.workflow import WorkflowStatus
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.engine.client import Engine
from orchestrator.engine.history import stall
from orchestrator.engine.instance_call import TAKES_SECONDS, one_instance
from orchestrator.engine.state import FINISHED, NotNow, Unreadable
from orchestrator.runs.announcer import Announcer

ENDS_WITHIN_SECONDS = 1
"""How long a termination is watched before it is repeated."""
TERMINATIONS = 4
"""How often one delivery terminates a run. After that, `redelivery` does."""

UNREADABLE_SECONDS = 20
"""How long an instance must be unreadable before it is given up."""
STALLED = WorkflowStatus.STALLED
_log = structlog.get_logger()


class Controller:
    """Carries out controls of instances. Each step is safe to repeat."""

    def __init__(self, engine: Engine, announcer: Announcer) -> None:
        self._engine = engine
        self._announcer = announcer
        self._unreadable: dict[str, float] = {}
        """Instances to terminate that cannot be read, with the time of the first try."""

    async def carry_out(
        self, instance_id: str, control: str, reason: str | None, seconds: float = TAKES_SECONDS
    ) -> None:
        """Control an instance, and announce it if that ends it, or before it is purged.

        An instance that is gone was controlled before, by this event or another: nothing is done.
        Raises `NotNow` where the instance does not accept the control within `seconds`.
        """
        match control:
            case "terminate":
                # An instance that has ended already is only announced: a crash came between.
                state = await self._announcer.look(instance_id)
                if isinstance(state, Unreadable):
                    await self._end_unreadable(state, reason)
                    return
                self._unreadable.pop(instance_id, None)
                if state is not None and state.runtime_status not in FINISHED:
                    await self._terminate(instance_id, reason, seconds)
            case "suspend" if not await self._is_suspended(instance_id):
                async with one_instance(self._engine, instance_id, seconds):
                    await self._engine.suspend(instance_id)
            case "resume" if await self._is_suspended(instance_id):
                async with one_instance(self._engine, instance_id, seconds):
                    await self._engine.resume(instance_id)
            case "purge":
                if await self._announcer.announce_ended(instance_id) is not None:
                    async with one_instance(self._engine, instance_id, seconds):
                        await self._engine.purge(instance_id)

    async def _terminate(self, instance_id: str, reason: str | None, seconds: float) -> None:
        """Terminate a run until it has ended.

        By the release notes of 1.18.3, daprd 1.18.2 drops a termination that it reads together
        with other events, or while the run is suspended. So a run that stays suspended is resumed.
        """
        status: WorkflowStatus | None = None
        for _ in range(TERMINATIONS):
            try:
                async with one_instance(self._engine, instance_id, seconds):
                    if status is WorkflowStatus.SUSPENDED:
                        await self._engine.resume(instance_id)
                    await self._engine.terminate(instance_id, reason)
            except NotNow as error:
                if not error.stalled:
                    raise
                status = STALLED
            else:
                status = await self._watched(instance_id)
            if status is STALLED:
                await self._end_stalled(instance_id, reason)
            if status in {None, STALLED, *FINISHED}:
                return
        raise NotNow(f"{instance_id!r} was terminated and goes on", stalled=False)

    async def _end_stalled(self, instance_id: str, reason: str | None) -> None:
        """End a stalled instance, which the engine refuses to terminate.

        Its children are terminated first, then its end is announced, then it is removed by force.
        After a crash the control comes again and finds the instance still stalled.
        """
        history = await self._engine.history(instance_id) or []
        for child in dict.fromkeys(event.child for event in history if event.child):
            try:
                await self.carry_out(child, "terminate", reason)
            except NotNow as error:
                _log.warning("a child goes on", child=child, error=str(error))
        await self._announcer.announce_stalled(instance_id, stall(history), reason)
        await self._engine.remove(instance_id)

    async def _end_unreadable(self, state: Unreadable, reason: str | None) -> None:
        """Announce an instance that the engine cannot read as ended, so that nobody waits for it.

        Raises `NotNow` until it was unreadable for a while, because a slow store looks the same.
        The engine cannot remove such an instance.
        """
        now = time.monotonic()
        since = self._unreadable.setdefault(state.instance_id, now)
        if now - since < UNREADABLE_SECONDS:
            raise NotNow(f"{state.instance_id!r} cannot be read", stalled=False)
        await self._announcer.announce_stalled(state.instance_id, state.stall, reason)
        self._unreadable.pop(state.instance_id, None)

    async def _is_suspended(self, instance_id: str) -> bool:
        """Return whether it is suspended: the SDK fails a run that is resumed without being so."""
        state = await self._engine.state(instance_id)
        return state is not None and state.runtime_status is WorkflowStatus.SUSPENDED

    async def _watched(self, instance_id: str) -> WorkflowStatus | None:
        """Wait for the end of a run and announce it; return its last status, None if it is gone.

        STALLED where the turn that should end the run stalled it, as its workflow is not here.
        """
        watching = AsyncRetrying(
            stop=stop_after_delay(ENDS_WITHIN_SECONDS),
            wait=wait_fixed(0.1),
            retry=retry_if_result(lambda status: status not in {None, STALLED, *FINISHED}),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        status: WorkflowStatus | None = await watching(self._announcer.announce_ended, instance_id)
        return status
