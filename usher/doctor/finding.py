"""One thing that would break a promise: where it is, what is wrong, what would be right."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """A refusal loses or doubles something sooner or later; a warning may."""

    level: Literal["refusal", "warning"]
    where: str
    wrong: str
    right: str
    breaks: str


def refusal(where: str, wrong: str, right: str, breaks: str) -> Finding:
    return Finding("refusal", where, wrong, right, breaks)


def warning(where: str, wrong: str, right: str, breaks: str) -> Finding:
    return Finding("warning", where, wrong, right, breaks)
