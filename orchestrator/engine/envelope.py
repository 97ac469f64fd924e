"""The envelope around a workflow's input and its events, which its author never sees."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

KEY = "$usher"
RECEIVED_KEPT = 100
"""Most received but unread events that a run carries over `continue_as_new`."""


class Received(BaseModel):
    """An event that a run received, and that its author has not read yet."""

    model_config = ConfigDict(frozen=True)

    name: str
    event: Any
    """The event in its envelope, as the engine stored it."""


class Cause(BaseModel):
    """The event that started a run, and the data that the run carries over `continue_as_new`."""

    model_config = ConfigDict(frozen=True)

    event_id: str | None = None
    key: str | None = None
    """The event's key in the ledger; None for a run that Usher did not start."""
    route: str | None = None
    """The route that the event came by; None for a command on a topic of Usher's."""
    claimed_at: datetime | None = None
    attempt: int = 1
    depth: int = 0
    """How many completion events led to the run, one after the other."""
    started_at: datetime | None = None
    seen: tuple[str, ...] = ()
    """Keys of the events received in earlier generations, newest last."""
    traceparent: str | None = None
    """The trace of the run; None where it is not recorded."""
    code: str | None = None
    """`Catalogue.code` when the run began, or at its last `continue_as_new`."""
    received: tuple[Received, ...] = ()
    """Events that the previous generation received and did not read."""


def seal(cause: Cause, value: Any) -> dict[str, Any]:
    """Put a workflow's input into the envelope that the engine stores."""
    head = cause.model_dump(mode="json", exclude_defaults=True)
    return {KEY: head, "input": value}


def unseal(stored: Any) -> tuple[Cause, Any]:
    """Return cause and input. The input of a run that Usher did not start has no envelope."""
    if isinstance(stored, dict) and KEY in stored:
        try:
            return Cause.model_validate(stored[KEY]), stored.get("input")
        except ValidationError:
            pass  # not our envelope: an input that has a field of the same name
    return Cause(), stored


def seal_event(key: str, data: Any) -> dict[str, Any]:
    """Put an external event's data into an envelope with its key, so that repeats are detected."""
    return {KEY: {"key": key}, "data": data}


def unseal_event(received: Any) -> tuple[str | None, Any]:
    """Return key and data. An event that Usher did not raise has no key and is never a repeat."""
    head = received.get(KEY) if isinstance(received, dict) else None
    if isinstance(head, dict) and isinstance(head.get("key"), str):
        return head["key"], received.get("data")
    return None, received
