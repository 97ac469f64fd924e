"""Stops the process when its workflow worker has ended, so that a supervisor restarts it.

Nothing else would notice: the worker's stream to the sidecar stays open, and every probe passes
while no workflow runs. Readiness fails at once. The process stops as on SIGTERM, and exits with
`EXIT_CODE` within `STOP_SECONDS`, whatever still runs in it. It also stops when too many turns have
not returned, because only a new process has free threads.
"""

import os
import signal
import sys
import threading

import structlog

from orchestrator.engine.sdk import SdkWorker
from orchestrator.hosting.turn_watch import TurnWatch

EXIT_CODE = 70
LOOKS = 30
"""The worker also counts as ended when its loop has answered none of this many looks, one a second.
Looks are counted, not seconds: none is made while the machine or the process stands still."""
DRAIN_SECONDS = 5
"""How long the stop waits for deliveries in hand."""
STOP_SECONDS = 15
"""How long the stop may take. After that, the process exits at once."""

_log = structlog.get_logger()


class Liveness:
    """Whether the worker still runs work items."""

    def __init__(self) -> None:
        self.ended: str | None = None
        """Why the worker has ended, or None while it runs."""
        self._sdk: SdkWorker | None = None
        self._turns: TurnWatch | None = None
        self._unanswered = 0

    def watch(self, sdk: SdkWorker, turns: TurnWatch) -> None:
        """Watch this worker and its turns from now on."""
        self._sdk, self._turns = sdk, turns

    async def look(self) -> None:
        """Look once. If the worker has ended, begin to stop the process."""
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
        """If the worker has ended, exit with `EXIT_CODE` and wait for no thread."""
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
