"""The way from a workflow's last turn, on a thread of the worker's, to the loop that publishes."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from contracts.events import WorkflowCompleted
from orchestrator.engine.envelope import Cause
from orchestrator.runs.wrapper import Tell

LAST_TURN_SECONDS = 2
"""How long a workflow's last turn waits for its notice to be out."""

_log = structlog.get_logger()


def teller(
    announce: Callable[[WorkflowCompleted, Cause], Coroutine[Any, Any, None]],
    loop: asyncio.AbstractEventLoop,
    seconds: float,
    is_closing: Callable[[], bool],
) -> Tell:
    """Return what tells an end by `announce` on `loop`, and waits so long for it, 0 for: never.

    Nor does it while the service stops: the answer of the turn may not reach the engine any more.
    """

    def tell(notice: WorkflowCompleted, cause: Cause) -> bool:
        if not seconds or is_closing() or loop.is_closed():
            return False
        telling = asyncio.run_coroutine_threadsafe(announce(notice, cause), loop)
        try:
            telling.result(seconds)
        except Exception as error:
            telling.cancel()
            said = f"{type(error).__name__}: {error}"
            _log.warning("announced later", instance_id=notice.instance_id, error=said)
            return False
        return True

    return tell
