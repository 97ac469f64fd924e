"""Announces the endings of runs: in their last turn, or later."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog
from dapr.ext.workflow import WorkflowState, WorkflowStatus

from chassis.tracing import TRACEPARENT, continuing
from contracts.events import WorkflowCompleted
from contracts.http import Stall
from orchestrator.engine.client import Engine
from orchestrator.engine.envelope import Cause
from orchestrator.engine.state import FINISHED, Unreadable, cause_of
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Ended
from orchestrator.outbox import Outbox
from orchestrator.runs.completion import of_stalled, of_state
from orchestrator.runs.definition import Definition
from orchestrator.runs.wrapper import AnnounceInTurn

LAST_TURN_SECONDS = 2
"""How long the last turn of a workflow waits until its ending is published."""

_log = structlog.get_logger()


class Announcer:
    """Publishes an ending first and writes it to the ledger second.

    A crash between the two publishes it again under the same id, and the notifier shows it once.
    """

    def __init__(
        self, workflows: Mapping[str, Definition], engine: Engine, ledger: Ledger, outbox: Outbox
    ) -> None:
        self._workflows = workflows
        self._engine = engine
        self._ledger = ledger
        self._outbox = outbox

    async def announce(
        self, notice: WorkflowCompleted, cause: Cause, *, seen_all: bool = True
    ) -> None:
        """Publish the ending of a run, and write it to the ledger with the events the run has seen.

        `seen_all` says that these are all of them. Only the run itself knows that.
        """
        seen = {"seen": list(cause.seen), "seen_all": seen_all}
        ended = Ended(key=cause.key, outcome=notice.outcome, **seen)
        with continuing({TRACEPARENT: cause.traceparent}, "announce an ending"):
            await self._outbox.completed(notice, cause)
            await self._ledger.end(notice.instance_id, ended)

    async def announce_ended(self, instance_id: str) -> WorkflowStatus | None:
        """Announce a run that ended unannounced; return its status, None if it is gone."""
        state = await self.look(instance_id)
        if isinstance(state, Unreadable):  # perhaps only for a moment, so not STALLED
            return WorkflowStatus.UNKNOWN
        return state.runtime_status if state else None

    async def look(self, instance_id: str) -> WorkflowState | None:
        """Return the state of a run. If the run ended unannounced, announce it first."""
        state = await self._engine.state(instance_id)
        if state is not None and state.runtime_status in FINISHED:
            cause = cause_of(state)
            if await self._is_unannounced(instance_id, cause):
                await self._announce_or_record(of_state(state, cause), cause)
        return state

    async def announce_stalled(
        self, instance_id: str, stall: Stall | None, reason: str | None
    ) -> None:
        """Announce a stalled run as terminated, before it is removed from the engine."""
        if state := await self._engine.state(instance_id):
            cause = cause_of(state)
            if isinstance(state, Unreadable) and (holder := await self._ledger.holder(instance_id)):
                cause = Cause(key=holder.key)
            if await self._is_unannounced(instance_id, cause):
                await self._announce_or_record(of_stalled(state, cause, stall, reason), cause)

    async def _is_unannounced(self, instance_id: str, cause: Cause) -> bool:
        """Return whether Usher started the run and the ledger lacks its ending.

        Runs that Usher did not start have no key, and their endings are not announced.
        """
        return bool(cause.key) and await self._ledger.ended(instance_id) is None

    async def _announce_or_record(self, notice: WorkflowCompleted, cause: Cause) -> None:
        """Announce an ending, or only write it to the ledger if the workflow does not announce."""
        definition = self._workflows.get(notice.workflow)
        if definition is None or definition.tag.announce:
            await self.announce(notice, cause, seen_all=False)
        else:
            ended = Ended(key=cause.key, outcome=notice.outcome, announced=False)
            await self._ledger.end(notice.instance_id, ended)


def from_last_turn(
    announce: Callable[[WorkflowCompleted, Cause], Coroutine[Any, Any, None]],
    loop: asyncio.AbstractEventLoop,
    seconds: float,
    is_closing: Callable[[], bool],
) -> AnnounceInTurn:
    """Return the function that announces an ending from a last turn, in a thread of the worker.

    It runs `announce` on `loop` and waits up to `seconds`; 0 disables it. While the service stops
    it publishes nothing, because the answer of the turn may no longer reach the engine.
    """

    def announce_in_turn(notice: WorkflowCompleted, cause: Cause) -> bool:
        if not seconds or is_closing() or loop.is_closed():
            return False
        announcing = asyncio.run_coroutine_threadsafe(announce(notice, cause), loop)
        try:
            announcing.result(seconds)
        except Exception as error:
            announcing.cancel()
            instance_id, why = notice.instance_id, f"{type(error).__name__}: {error}"
            _log.warning("an activity announces the ending", instance_id=instance_id, error=why)
            return False
        return True

    return announce_in_turn
