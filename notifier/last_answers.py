"""The last answers of a service, shown with their time while the service does not answer."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

T = TypeVar("T")


class Away(Exception):
    """A service does not answer, or answers with an error. The message is for people."""


@dataclass(frozen=True)
class Answer(Generic[T]):
    """An answer of a service. If `away` is set, `value` is the last answer, or None."""

    value: T | None
    as_of: datetime | None
    """When the service gave `value`; None if it has given none."""
    away: str = ""
    """Why the service does not answer now; empty if it does."""


class LastAnswers(Generic[T]):
    """Keeps the newest answer for each of the last `most` keys."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[str, Answer[T]] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, key: str, ask: Callable[[], T]) -> Answer[T]:
        """Return the answer of `ask`; if the service is away, the last answer and the reason."""
        try:
            answer = Answer(ask(), datetime.now(UTC))
        except Away as away:
            with self._lock:
                last = self._answers.get(key, Answer[T](None, None))
            return Answer(last.value, last.as_of, str(away))
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return answer
