"""Announces runs that ended and could not say so: terminated past Usher, or cut off at the end.

It holds nothing in memory that a promise rests on; several replicas may sweep at once, since what
they publish has the same id and what they write is written once.
"""

import threading
from collections.abc import Callable

import structlog
from dapr.ext.workflow import WorkflowStatus

from orchestrator.announcer import Announcer
from orchestrator.engine import FINISHED, Engine
from orchestrator.ledger import Ledger
from orchestrator.parking import EXPIRE

_log = structlog.get_logger()


class Reconciler:
    """Sweeps every `seconds`, in a thread of its own."""

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        announcer: Announcer,
        seconds: float,
        on_stalled: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._announcer = announcer
        self._seconds = seconds
        self._on_stalled = on_stalled
        self._done: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def sweep(self) -> None:
        """Look at every instance whose end was not announced; announce those that have ended."""
        ids = {one for one in self._engine.all_ids() if not one.startswith(EXPIRE)}
        self._done &= ids
        not_ended = self._ledger.not_ended(ids - self._done)
        self._done |= ids - set(not_ended)
        stalled = 0
        for instance_id in not_ended:
            if self._stop.is_set():
                return
            status = self._announcer.announce_ended(instance_id)
            if status in FINISHED:
                self._done.add(instance_id)
            elif status is WorkflowStatus.STALLED:
                stalled += 1
                _log.warning("stalled", instance_id=instance_id)
        self._on_stalled(stalled)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self.sweep()
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                _log.warning("the sweep will be tried again", error=said)
