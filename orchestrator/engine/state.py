"""An instance whose record in the state store is not whole: the engine can neither read nor end it.

To everybody else it is one that stands still, so that it breaks no list and holds up no event.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dapr.ext.workflow import WorkflowStatus

from orchestrator.engine.history import Stall

REASON = "UNREADABLE"


@dataclass(frozen=True)
class Unreadable:
    """Stands for the state of such an instance; most of it is not known."""

    instance_id: str
    message: str
    """What the engine says of it."""
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it was looked at: when it was created is not known."""
    runtime_status: WorkflowStatus = WorkflowStatus.STALLED
    name: str = ""
    serialized_input: str | None = None
    serialized_output: str | None = None
    serialized_custom_status: str | None = None
    failure_details: Any = None

    @property
    def last_updated_at(self) -> datetime:
        return self.created_at

    @property
    def stall(self) -> Stall:
        said = f"the engine cannot read it: {self.message}"
        return Stall(reason=REASON, message=said, since=self.created_at)
