"""Does something again and again, in a thread of its own, until it is told to stop."""

import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger()


class Periodic:
    """Calls `step` every `seconds`; a step that raises is tried again the next time."""

    def __init__(self, name: str, seconds: float, step: Callable[[], object]) -> None:
        self._name = name
        self._seconds = seconds
        self._step = step
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin no more steps, and wait a little for the one that is on."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._step()
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                _log.warning("will be tried again", step=self._name, error=said)
