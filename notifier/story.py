"""All that is known of one instance: what the orchestrator has of it, and what was heard of it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from notifier.neighbours import Document, Run, Told
from notifier.service import Notifier
from notifier.timeline import Step, chain, run_seconds


@dataclass(frozen=True)
class Story:
    """One instance, as far as it has come; any part may be missing."""

    instance: Document | None
    request: Document | None
    """What became of the event that started it."""
    notice: Document | None
    steps: list[Step]
    seconds: float | None
    """How long the run took, or has taken so far."""
    at: datetime
    """When it was so."""
    told: Told[Run]
    """What the orchestrator said, and when."""

    @property
    def away(self) -> str:
        """Why the orchestrator could not be asked; empty where it could."""
        return self.told.away


def story(service: Notifier, instance_id: str) -> Story:
    """Tell what is known of an instance; where the orchestrator is away, what was heard last."""
    told = service.orchestrator.recall_run(instance_id)
    run = told.value or Run(None, [], None)
    heard = (one for one in service.notices.each() if one["instance_id"] == instance_id)
    notice = next(heard, None)
    steps = chain(run.instance, run.history, run.request, notice)
    at = told.as_of or datetime.now(UTC)
    seconds = run_seconds(steps, notice, at)
    return Story(run.instance, run.request, notice, steps, seconds, at, told)
