"""One thing that would break a promise: where it is, what is wrong, what would be right."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Finding(BaseModel):
    """A refusal loses or doubles something sooner or later; a warning may."""

    model_config = ConfigDict(frozen=True)

    level: Literal["refusal", "warning"]
    where: str
    """The file and field, or the setting, to change."""
    wrong: str
    right: str
    breaks: str
    """The promises that do not hold with it."""

    def __str__(self) -> str:
        return f"{self.where}: {self.wrong}; {self.right} ({self.breaks})"


def refusal(where: str, wrong: str, right: str, breaks: str) -> Finding:
    return Finding(level="refusal", where=where, wrong=wrong, right=right, breaks=breaks)


def warning(where: str, wrong: str, right: str, breaks: str) -> Finding:
    return Finding(level="warning", where=where, wrong=wrong, right=right, breaks=breaks)
