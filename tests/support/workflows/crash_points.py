"""No workflow: lets a test end the orchestrator's process at a chosen step of its protocols.

This folder is only ever given to the tests' own stack. A step is armed by a file named after it;
the process that comes to it removes the file and is gone at once, as by SIGKILL. Or a step is
refused once, as where the sidecar is away, by a file of its name with `refused-` before it. What
the file says, an instance id for one, has to be among the arguments: else the step is another's.
"""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.engine.client import Engine
from orchestrator.intake.parking import Parking
from orchestrator.ledger.latest_runs import LatestRuns
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.store import Store
from orchestrator.outbox import Outbox

STEPS: tuple[tuple[type, str], ...] = (
    (Ledger, "create"),
    (Ledger, "take"),
    (Ledger, "settle"),
    (Ledger, "end"),
    (Ledger, "reenter"),
    (Ledger, "change"),
    (Ledger, "take_over"),
    (LatestRuns, "advance"),
    (LatestRuns, "adopt"),
    (Engine, "schedule"),
    (Engine, "schedule_at"),
    (Engine, "raise_event"),
    (Engine, "terminate"),
    (Outbox, "completed"),
    (Outbox, "dead_letter"),
    (Parking, "drain"),
    (Store, "replace"),
)


def _is_armed(step: str, arguments: tuple[Any, ...]) -> bool:
    armed = Path(os.environ.get("USHER_STACK_DIR", "/nowhere")) / "crash" / step
    if not armed.exists() or armed.read_text() not in repr(arguments):
        return False
    armed.unlink(missing_ok=True)
    return True


def _reach(step: str, arguments: tuple[Any, ...]) -> None:
    if _is_armed(step, arguments):
        os._exit(137)


def _with_crashes(kind: type, name: str) -> None:
    plain: Callable[..., Any] = getattr(kind, name)

    @functools.wraps(plain)
    async def step(*arguments: Any, **named: Any) -> Any:
        _reach(f"before-{kind.__name__}.{name}", arguments)
        if _is_armed(f"refused-{kind.__name__}.{name}", arguments):
            raise OSError("refused by the test")
        result = await plain(*arguments, **named)
        _reach(f"after-{kind.__name__}.{name}", arguments)
        return result

    setattr(kind, name, step)


for _kind, _name in STEPS:
    _with_crashes(_kind, _name)
