"""How stored records are read, and the substitutes for those that cannot be read."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, NoReturn, TypeVar

from contracts.events import OriginalEvent, Reason, RunFailure
from contracts.records import DeadLetter, Notice

R = TypeVar("R", Notice, DeadLetter)
_SHOWN = 1000
_UNREADABLE = "this record of the notifier cannot be read"


@dataclass(frozen=True)
class Shape(Generic[R]):
    """The model of a stored record, and the substitute for a record that does not fit it.

    A record may be older than this code, or written by another program. It is then shown as
    broken, and the other records are shown as usual.
    """

    model: type[R]
    broken: Callable[[str, str], R]
    """Makes a substitute, from the id of the record and the beginning of its text."""

    def read(self, record_id: str, text: str) -> R:
        """Return a stored record, or the substitute that `broken` makes if it is unreadable."""
        try:
            return self.model.model_validate(json.loads(text, parse_constant=_no_number))
        except (ValueError, RecursionError):  # also a ValidationError
            return self.broken(record_id, text[:_SHOWN])


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _now() -> datetime:
    """Return the time of a record without one: now, as an old time would break sorted lists."""
    return datetime.now(UTC)


def _broken_notice(record_id: str, text: str) -> Notice:
    return Notice(
        id=record_id,
        instance_id="",
        workflow="",
        outcome="UNREADABLE",
        error=RunFailure(type="Unreadable", message=f"{_UNREADABLE}: {text}"),
        started_at=_now(),
        finished_at=_now(),
        seen_at=_now(),
        duration_s=0,
    )


def _broken_letter(record_id: str, text: str) -> DeadLetter:
    return DeadLetter(
        id=record_id,
        reason=Reason.UNDELIVERABLE,
        message=_UNREADABLE,
        topic="",
        attempts=1,
        first_seen=_now(),
        last_seen=_now(),
        event=OriginalEvent(data=text),
    )


NOTICES = Shape(Notice, _broken_notice)
DEAD_LETTERS = Shape(DeadLetter, _broken_letter)
