"""A fault: what is wrong with a workflow file, where, and what to write instead."""

from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """Prints as `file:line: message`. Terminals and editors show that as a link."""

    file: Path
    message: str
    line: int | None = None

    def about(self, name: str) -> "Fault":
        """Return the same fault with the name of its workflow or activity in the message."""
        return replace(self, message=f"{name}: {self.message}")

    @property
    def place(self) -> str:
        """Where it is, as `file:line`."""
        return f"{self.file}:{self.line}" if self.line else f"{self.file}"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"
