"""Hands events to instances, and makes sure that they arrived."""

from dapr.ext.workflow import WorkflowStatus

from contracts.commands import RaiseEvent
from contracts.events import Reason
from contracts.refusal import Refused
from orchestrator.engine import FINISHED, Engine
from orchestrator.envelope import seal_event
from orchestrator.instance_call import TAKES_SECONDS, one_instance
from orchestrator.ledger import Ledger


class Courier:
    """Raises events; the engine takes one for a finished instance too, and drops it silently."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine = engine
        self._ledger = ledger

    async def hand_over(
        self, instance_id: str, key: str, command: RaiseEvent, seconds: float = TAKES_SECONDS
    ) -> None:
        """Raise an event; raise `Refused(instance_finished)` where it came too late, and `NotNow`
        where the instance does not take it within `seconds`.

        Safe to repeat: the workflow drops what it has seen. So a crash after it costs nothing.
        """
        async with one_instance(self._engine, instance_id, seconds):
            sealed = seal_event(key, command.data)
            await self._engine.raise_event(instance_id, command.event, sealed)
        state = await self._engine.state(instance_id)
        if state is None or state.runtime_status not in FINISHED:
            return
        ended = await self._ledger.ended(instance_id)
        terminated = state.runtime_status is WorkflowStatus.TERMINATED
        if (key not in ended.seen) if ended and ended.announced else terminated:
            raise finished(instance_id, state.runtime_status.name)


def finished(instance_id: str, status: str) -> Refused:
    """Return the refusal of an event for an instance that has ended."""
    message = f"{instance_id!r} has ended: {status}"
    return Refused(Reason.INSTANCE_FINISHED, message, "instance_id")
