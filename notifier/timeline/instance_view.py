"""The view of one instance: its state from the orchestrator, its notice, and its timeline."""

from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.http import EventRecord, Instance
from contracts.records import Notice
from notifier.records.store import RecentRecords
from notifier.service_clients import Answer, Orchestrator, Run
from notifier.timeline.chain import Step, chain, run_seconds


@dataclass(frozen=True)
class InstanceView:
    """One instance, as far as it has run. Any part may be missing."""

    instance: Instance | None
    request: EventRecord | None
    """The ledger's record of the event that started it."""
    notice: Notice | None
    steps: list[Step]
    seconds: float | None
    """How long the run took, or has taken so far."""
    at: datetime
    """When the view was current."""
    answer: Answer[Run]
    """The orchestrator's answer, and when it was given."""

    @property
    def away(self) -> str:
        """Why the orchestrator does not answer; empty if it does."""
        return self.answer.away


def instance_view(
    orchestrator: Orchestrator, notices: RecentRecords[Notice], instance_id: str
) -> InstanceView:
    """Return the view of an instance; if the orchestrator is away, from its last answer."""
    answer = orchestrator.last_run(instance_id)
    run = answer.value or Run(None, [], None)
    kept = (record for record in notices.each() if record.instance_id == instance_id)
    notice = next(kept, None)
    steps = chain(run.instance, run.history, run.request, notice)
    at = answer.as_of or datetime.now(UTC)
    seconds = run_seconds(steps, notice, at)
    return InstanceView(run.instance, run.request, notice, steps, seconds, at, answer)
