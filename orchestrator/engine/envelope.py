"""What travels with a workflow's input and its events, unseen by the author."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

KEY = "$usher"
RECEIVED_KEPT = 100
"""Most received but unread events that a run carries over `continue_as_new`."""


class Received(BaseModel):
    """An event that a run had received, and its author not yet."""

    model_config = ConfigDict(frozen=True)

    name: str
    event: Any
    """As the engine stored it, in its envelope."""


class Cause(BaseModel):
    """What started a run, and what it carries over `continue_as_new`."""

    model_config = ConfigDict(frozen=True)

    event_id: str | None = None
    key: str | None = None
    """The event's key in the ledger; None for a run scheduled past Usher."""
    claimed_at: datetime | None = None
    attempt: int = 1
    started_at: datetime | None = None
    seen: tuple[str, ...] = ()
    """Keys of the events received in earlier generations, newest last."""
    traceparent: str | None = None
    """The trace that the run belongs to; None where it is not recorded."""
    code: str | None = None
    """`Catalogue.code` of what the run began with, newly so at each `continue_as_new`."""
    received: tuple[Received, ...] = ()
    """What the generation before had received for waits that nobody asked again."""


def seal(cause: Cause, value: Any) -> dict[str, Any]:
    """Put a workflow's input into the envelope that the engine stores."""
    head = cause.model_dump(mode="json", exclude_defaults=True)
    return {KEY: head, "input": value}


def unseal(stored: Any) -> tuple[Cause, Any]:
    """Take the input out again. One scheduled past Usher has no envelope, and no cause."""
    if isinstance(stored, dict) and KEY in stored:
        try:
            return Cause.model_validate(stored[KEY]), stored.get("input")
        except ValidationError:
            pass  # another's, which has a member of that name
    return Cause(), stored


def seal_event(key: str, data: Any) -> dict[str, Any]:
    """Put an external event's data into the envelope that tells repeats apart."""
    return {KEY: {"key": key}, "data": data}


def unseal_event(received: Any) -> tuple[str | None, Any]:
    """Take key and data out again; an event raised past Usher has no key, and is never a repeat."""
    head = received.get(KEY) if isinstance(received, dict) else None
    if isinstance(head, dict) and isinstance(head.get("key"), str):
        return head["key"], received.get("data")
    return None, received
