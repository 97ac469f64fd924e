"""A finding of `usher doctor`: where it is, what is wrong, what to do, which promises it breaks."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """A refusal loses or doubles events sooner or later; a warning may."""

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
    return Finding("refusal", where, wrong, right, breaks)


def warning(where: str, wrong: str, right: str, breaks: str) -> Finding:
    return Finding("warning", where, wrong, right, breaks)
