"""One thing that is wrong with a file of an author: where it is, and what to write instead."""

from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """Prints as `file:line: message`, which terminals and editors make a link."""

    file: Path
    message: str
    line: int | None = None

    def about(self, name: str) -> "Fault":
        """Return the same fault, said of the workflow or activity `name`."""
        return replace(self, message=f"{name}: {self.message}")

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        return f"{where}: {self.message}"
