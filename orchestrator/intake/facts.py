"""The facts that the decision about an event is made from."""

from dataclasses import dataclass, field
from datetime import timedelta

from dapr.ext.workflow import WorkflowState

from contracts.commands import StartWorkflow
from contracts.refusal import Refused
from orchestrator.engine.state import NotNow
from orchestrator.intake.arrival import Arrival
from orchestrator.ledger.records import Disposition, Ended, Entry, Holder, Known, LatestRun


@dataclass(frozen=True)
class Facts:
    """What is known of an event and its instance. Each step of serving it may add a fact."""

    arrival: Arrival
    parked_for: timedelta
    """How long an event may wait that does not say so itself."""
    unfit: Refused | None = None
    """Why the workflow cannot be started with this input."""
    failure: Refused | None = None
    """Why serving the event failed."""
    entry: Entry | None = None
    """The event's entry in the ledger. Not read for a start: claiming it returns what is there."""
    known: Known = field(default_factory=dict)
    """The records that were read for this event, until one of them is written."""
    broken: str | None = None
    """What is wrong with an entry that cannot be read."""
    queued: bool = False
    """Whether earlier events wait for the instance."""
    holder: Holder | None = None
    """Who holds the instance id, where a start asked for it."""
    held: tuple[Entry, ...] = ()
    """Starts that wait for their time. Read only to terminate an instance that is not there."""
    latest: LatestRun | None = None
    """The latest run of the key, where it was read."""
    active: bool = False
    """Whether the engine did not start the instance because its id is active already."""
    state: WorkflowState | None = None
    ended: Ended | None = None
    """How the instance ended. Read only where the engine does not say that it runs."""
    not_now: NotNow | None = None
    """Why the instance did not accept the command when it was tried."""
    handed_over: bool = False
    """Whether the event was parked and is tried again, by `Parking` and not by the broker."""

    @property
    def settled(self) -> bool:
        """Whether the ledger alone decides: the event, or another one of its id, was served."""
        entry, arrival = self.entry, self.arrival
        own = entry is not None and entry.token == arrival.token
        if entry is None or (own and entry.disposition is Disposition.CLAIMED):
            return False
        served = entry.final and not entry.reopened_by(arrival.event)
        return served or entry.differs(arrival.digest)

    @property
    def refusal(self) -> Refused | None:
        """Why the event cannot be served, whatever the state of its instance is."""
        arrival, deadline = self.arrival, self.arrival.deadline
        # What is in the ledger came in time before. A parked event may expire, a held start not.
        entry = self.entry
        expires = entry is None or (self.handed_over and self.ended is None and not entry.held)
        late = deadline.passed(arrival.at) if deadline and expires else None
        return self.failure or arrival.flaw or late or self.unfit

    @property
    def others_claim(self) -> Entry | None:
        """The claim of another handler, which may be starting the workflow now."""
        entry = self.entry
        if entry is None or entry.token == self.arrival.token or entry.final:
            return None
        if entry.joined or (entry.held and entry.disposition is Disposition.PARKED):
            return None
        return entry if entry.token or isinstance(self.arrival.command, StartWorkflow) else None
