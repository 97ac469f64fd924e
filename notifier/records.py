"""The notifier's records: notices and dead letters, and substitutes for unreadable ones."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import UnionType
from typing import Any, NoReturn

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contracts.events import OriginalEvent, Reason, WorkflowCompleted


class Notice(WorkflowCompleted):
    """A completion event, with the time it was first seen. Times are UTC."""

    id: str
    seen_at: AwareDatetime


class DeadLetter(BaseModel):
    """A dead letter. If the event is dead-lettered again, `attempts` rises."""

    model_config = ConfigDict(frozen=True)

    id: str
    reason: Reason
    field: str | None
    message: str
    topic: str
    attempts: int
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    redriven_at: AwareDatetime | None = None
    event: OriginalEvent


@dataclass(frozen=True)
class Shape:
    """The required fields of a stored record, and the substitute for a record without them.

    A record may be older than this code, or written by another program. It is then shown as
    broken, and the other records are shown as usual.
    """

    required: Mapping[str, type | UnionType]
    broken: Callable[[str], dict[str, Any]]

    def read(self, record_id: str, text: str) -> dict[str, Any]:
        """Return a stored record, or the substitute that `broken` makes if it is unreadable."""
        try:
            stored = json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError):
            stored = None
        if isinstance(stored, dict) and all(
            isinstance(stored.get(name), kind) for name, kind in self.required.items()
        ):
            return stored
        return {"id": record_id, **self.broken(text[:_SHOWN])}


_SHOWN = 1000
_UNREADABLE = "this record of the notifier cannot be read"


def _now() -> str:
    """Return the time of a record without one: now, as an old time would break sorted lists."""
    return datetime.now(UTC).isoformat()


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _broken_notice(text: str) -> dict[str, Any]:
    times = dict.fromkeys(("started_at", "finished_at", "seen_at"), _now())
    error = {"type": "Unreadable", "message": f"{_UNREADABLE}: {text}"}
    named = {"instance_id": "", "workflow": "", "outcome": "UNREADABLE", "custom_status": None}
    return {**named, **times, "output": None, "error": error, "duration_s": 0}


def _broken_letter(text: str) -> dict[str, Any]:
    times = {"first_seen": _now(), "last_seen": _now(), "redriven_at": None}
    fields = {"reason": Reason.UNDELIVERABLE.value, "field": None, "message": _UNREADABLE}
    return {**fields, **times, "topic": "", "attempts": 1, "event": {"data": text}}


ANYTHING = Shape({}, lambda text: {"broken": text})
NOTICES = Shape(
    dict.fromkeys(("id", "instance_id", "workflow", "outcome", "finished_at", "seen_at"), str)
    | {"duration_s": int | float},
    _broken_notice,
)
DEAD_LETTERS = Shape(
    dict.fromkeys(("id", "reason", "message", "topic", "first_seen", "last_seen"), str)
    | {"attempts": int, "event": dict},
    _broken_letter,
)
