"""A stack for tests of the command line: it says that it runs, and runs nothing."""

from collections.abc import Sequence

from usher.stack.program import Report
from usher.stack.settings import StackSettings
from usher.stack.spec import ProcessSpec
from usher.stack.stack import Stack


class StandIn(Stack):
    """Notes in `did` what it was told; `up` raises `fails`, if set."""

    def __init__(self, settings: StackSettings, specs: Sequence[ProcessSpec] | None = None) -> None:
        super().__init__(settings, specs)
        self.did: list[str] = []
        self.fails: Exception | None = None

    def up(self, report: Report, *, fresh: bool = False) -> bool:
        self.did.append("up fresh" if fresh else "up")
        if self.fails:
            raise self.fails
        report("redis is ready")
        return True

    def down(self, report: Report) -> None:
        self.did.append("down")
        report("redis has stopped")

    def is_up(self) -> bool:
        return False

    def pids(self) -> dict[str, int]:
        return {"redis": 7}
