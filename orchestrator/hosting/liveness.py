"""Ends the process when its workflow worker has ended, so that its supervisor starts a new one.

The worker's stream to the sidecar stays open, so nothing else notices: no workflow runs, and every
probe says that all is well. Readiness fails at once. The process stops as on SIGTERM, and exits
with `EXIT_CODE` within a bound, whatever still runs in it. It does the same when too many turns
have not returned: only a new process has threads again.
"""

import os
import signal
import sys
import threading

import structlog

from orchestrator.engine.sdk import SdkWorker
from orchestrator.hosting.turn_watch import Turns

EXIT_CODE = 70
LOOKS = 30
"""After so many looks, a second each, in which its loop answered nothing the worker has ended, too.
Looks are counted: while the machine or the whole process stands still, none is made."""
DRAIN_SECONDS = 5
"""How long the stop waits for the deliveries it holds."""
STOP_SECONDS = 15
"""How long the stop may take before it is cut off."""

_log = structlog.get_logger()


class Liveness:
    """Whether the worker runs tasks."""

    def __init__(self) -> None:
        self.ended: str | None = None
        """Why the worker has ended, or None while it runs."""
        self._sdk: SdkWorker | None = None
        self._turns: Turns | None = None
        self._unanswered = 0

    def watch(self, sdk: SdkWorker, turns: Turns) -> None:
        """Look at this worker, and at the turns that it runs, from now on."""
        self._sdk, self._turns = sdk, turns

    async def look(self) -> None:
        """Look once; begin to stop the process where the worker has ended."""
        if self.ended or self._sdk is None or self._turns is None:
            return
        self.ended = self._sdk.ended or self._turns.ended or self._hangs(self._sdk)
        if self.ended is None:
            return
        _log.error("the workflow worker has ended: this process stops", reason=self.ended)
        cut_off = threading.Timer(STOP_SECONDS, os._exit, (EXIT_CODE,))
        cut_off.daemon = True
        cut_off.start()
        signal.raise_signal(signal.SIGTERM)

    def exit(self) -> None:
        """Leave with a code that says so, if the worker had ended; threads may be stuck in it."""
        if self.ended:
            sys.stdout.flush()
            os._exit(EXIT_CODE)

    def _hangs(self, sdk: SdkWorker) -> str | None:
        if sdk.loop is None:
            return None
        if self._unanswered == 0:
            self._unanswered = 1
            sdk.loop.call_soon_threadsafe(self._answer)
            return None
        self._unanswered += 1
        if self._unanswered <= LOOKS:
            return None
        return f"its event loop has not answered in {LOOKS} looks"

    def _answer(self) -> None:
        self._unanswered = 0
