"""What can be done with an event. The decision is one of these; the dispatcher carries it out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from dapr.ext.workflow import WorkflowState

from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.refusal import Refused
from orchestrator.ledger.records import Disposition, Entry


@dataclass(frozen=True)
class _Action:
    entry: Entry
    """The event's entry in the ledger, to be written or gone on with."""


@dataclass(frozen=True)
class Claim(_Action):
    """Create the entry, so that a redelivery finds it. Then decide anew."""


@dataclass(frozen=True)
class TakeOver(_Action):
    """Write the entry over `held`: a claim whose lease is over, or a dead letter that is redriven.

    Then decide anew.
    """

    held: Entry


@dataclass(frozen=True)
class Start(_Action):
    """Take the instance id, start the workflow, then do as `Resume` does."""

    command: StartWorkflow
    disposition: ClassVar = Disposition.STARTED


@dataclass(frozen=True)
class Resume(_Action):
    """Write this outcome: the work was done before. Of a start, deliver first what is parked."""

    disposition: Disposition


@dataclass(frozen=True)
class Deliver(_Action):
    """Raise the event to an instance that runs."""

    command: RaiseEvent
    state: WorkflowState
    disposition: ClassVar = Disposition.DELIVERED


@dataclass(frozen=True)
class Control(_Action):
    """Terminate, suspend, resume or purge an instance."""

    command: ControlInstance
    disposition: ClassVar = Disposition.CONTROLLED


@dataclass(frozen=True)
class Park(_Action):
    """Keep the event until its instance accepts it, at most for `wait`."""

    wait: timedelta
    why: str | None = None
    """Why an existing instance does not accept it."""
    slow: bool = False
    """Whether that instance did not answer in time."""
    disposition: ClassVar = Disposition.PARKED


@dataclass(frozen=True)
class Hold(_Action):
    """Keep a start until it is due."""

    command: StartWorkflow
    until: datetime
    disposition: ClassVar = Disposition.PARKED


@dataclass(frozen=True)
class CancelHeld(_Action):
    """Keep the held starts of an instance from starting it."""

    starts: tuple[Entry, ...]
    disposition: ClassVar = Disposition.CONTROLLED


@dataclass(frozen=True)
class Duplicate(_Action):
    """Count one more delivery of an event that was served."""

    disposition: ClassVar = Disposition.DUPLICATE


@dataclass(frozen=True)
class Refuse:
    """Dead-letter the event. It may have no entry of its own to write."""

    why: Refused
    entry: Entry | None
    beside: Entry | None = None
    """The entry of another event of its source and id, which notes it."""
    disposition: ClassVar = Disposition.DEAD_LETTERED


@dataclass(frozen=True)
class Retry:
    """Have the broker deliver the event again: another handler may be at work on it."""

    why: str
    disposition: ClassVar = Disposition.CLAIMED


Decision = (
    Claim
    | TakeOver
    | Hold
    | Start
    | Resume
    | Deliver
    | Control
    | CancelHeld
    | Park
    | Duplicate
    | Refuse
    | Retry
)


@dataclass(frozen=True)
class Outcome:
    """What became of an event, and why, where it was refused."""

    disposition: Disposition
    refusal: Refused | None = None
