"""What can be done with an event. The decision is one of these; handlers carry it out."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from dapr.ext.workflow import WorkflowState

from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.refusal import Refused
from orchestrator.ledger.records import Disposition, Entry


@dataclass(frozen=True)
class Claim:
    """Create this entry, so that a redelivery finds it. Then decide anew."""

    entry: Entry


@dataclass(frozen=True)
class TakeOver:
    """Write `entry` over `held`: a claim whose lease is over, or a dead letter that is redriven.

    Then decide anew.
    """

    held: Entry
    entry: Entry


@dataclass(frozen=True)
class Start:
    """Take the instance id, start the workflow, and do what `Resume` does."""

    entry: Entry
    command: StartWorkflow
    disposition: ClassVar = Disposition.STARTED


@dataclass(frozen=True)
class Resume:
    """The workflow was started: deliver what is parked for it, and write the outcome."""

    entry: Entry
    disposition: ClassVar = Disposition.STARTED


@dataclass(frozen=True)
class Settle:
    """Write this outcome. Nothing else is left to do."""

    entry: Entry

    @property
    def disposition(self) -> Disposition:
        return self.entry.disposition


@dataclass(frozen=True)
class Deliver:
    """Raise the event to an instance that runs."""

    entry: Entry
    command: RaiseEvent
    state: WorkflowState
    disposition: ClassVar = Disposition.DELIVERED


@dataclass(frozen=True)
class Control:
    """Terminate, suspend, resume or purge an instance."""

    entry: Entry
    command: ControlInstance
    disposition: ClassVar = Disposition.CONTROLLED


@dataclass(frozen=True)
class Park:
    """Keep the event until its instance accepts it, at most for `wait`."""

    entry: Entry
    wait: timedelta
    why: str | None = None
    """Why an existing instance does not accept it."""
    slow: bool = False
    """Whether that instance did not answer in time."""
    disposition: ClassVar = Disposition.PARKED


@dataclass(frozen=True)
class Refuse:
    """Dead-letter the event."""

    why: Refused
    entry: Entry | None
    """Its entry; None for an event that has none of its own."""
    beside: Entry | None = None
    """The entry of another event of its source and id, which notes it."""
    disposition: ClassVar = Disposition.DEAD_LETTERED


@dataclass(frozen=True)
class Duplicate:
    """Count one more delivery of an event that was served."""

    entry: Entry
    disposition: ClassVar = Disposition.DUPLICATE


@dataclass(frozen=True)
class Retry:
    """Have the broker deliver the event again: another handler may be at work on it."""

    why: str
    disposition: ClassVar = Disposition.CLAIMED


Step = Claim | TakeOver
Decision = Step | Start | Resume | Settle | Deliver | Control | Park | Refuse | Duplicate | Retry
