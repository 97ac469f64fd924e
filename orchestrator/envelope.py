"""What travels with a workflow's input, unseen by its author: the event that started it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

KEY = "$usher"


class Cause(BaseModel):
    """Who started a run, and when it began where `continue_as_new` has carried it on."""

    model_config = ConfigDict(frozen=True)

    event_id: str | None = None
    started_at: datetime | None = None


def seal(cause: Cause, value: Any) -> dict[str, Any]:
    """Put a workflow's input into the envelope that the engine stores."""
    return {KEY: cause.model_dump(mode="json", exclude_none=True), "input": value}


def unseal(stored: Any) -> tuple[Cause, Any]:
    """Take the input out again. One scheduled past Usher has no envelope, and no cause."""
    if isinstance(stored, dict) and KEY in stored:
        return Cause.model_validate(stored[KEY]), stored.get("input")
    return Cause(), stored
