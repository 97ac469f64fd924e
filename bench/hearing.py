"""Hears notices as an operator would: the line that the notifier prints for each."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from usher.stack.tail import LogReader

_EVERY_SECONDS = 0.004


def heard_in(line: str) -> tuple[str, float] | None:
    """Return the order that a line of a notifier's log tells of, and when the notifier had it.

    The time is the notifier's own, so neither the log's way nor our reading of it counts.
    """
    try:
        notice = json.loads(line)
        return notice["output"]["order"], datetime.fromisoformat(notice["seen_at"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return None


class Hearing:
    """Follows one notifier's log in a thread; use it as a context."""

    def __init__(self, log: Path) -> None:
        self._reader = LogReader({"notifier": log})
        self._times: dict[str, list[float]] = defaultdict(list)
        self._awaited: set[str] = set()
        self._change = threading.Condition()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._closed.set()
        self._thread.join()
        self._reader.close()

    def wait_for(self, orders: Iterable[str], patience: float) -> bool:
        """Wait until all of these orders were heard; False after `patience` seconds of silence."""
        with self._change:
            self._awaited = set(orders) - self._times.keys()
            while before := len(self._awaited):
                if not self._change.wait_for(lambda: len(self._awaited) < before, patience):
                    return False
        return True

    def times(self, order: str) -> list[float]:
        """Return when the notifier had this order, in seconds since 1970; more than once if it had
        it more than once."""
        with self._change:
            return list(self._times.get(order, ()))

    def _follow(self) -> None:
        while not self._closed.is_set():
            found = [heard for _, line in self._reader.read() if (heard := heard_in(line))]
            if found:
                with self._change:
                    for order, at in found:
                        self._times[order].append(at)
                        self._awaited.discard(order)
                    self._change.notify_all()
            time.sleep(_EVERY_SECONDS)
