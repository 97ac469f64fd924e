"""The last answers of a neighbour: shown with their time while it does not answer."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

T = TypeVar("T")


class Away(Exception):
    """A service does not answer, or not with what was asked for; says so in plain words."""


@dataclass(frozen=True)
class Told(Generic[T]):
    """An answer. With `away` it is an earlier one, or none."""

    value: T | None
    as_of: datetime | None
    """When it was given; None where there was none yet."""
    away: str = ""
    """Why there is no answer now; empty where there is one."""


class Recall(Generic[T]):
    """Keeps the newest answer to each of the last `most` questions."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._told: OrderedDict[str, Told[T]] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, key: str, ask: Callable[[], T]) -> Told[T]:
        """Return the answer now, else the last one, with the reason."""
        try:
            told = Told(ask(), datetime.now(UTC))
        except Away as away:
            with self._lock:
                last = self._told.get(key, Told[T](None, None))
            return Told(last.value, last.as_of, str(away))
        with self._lock:
            self._told[key] = told
            self._told.move_to_end(key)
            while len(self._told) > self._most:
                self._told.popitem(last=False)
        return told
