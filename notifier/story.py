"""All that is known of one instance: what the orchestrator has of it, and what was heard of it."""

from dataclasses import dataclass

from notifier.neighbours import Away, Document
from notifier.service import Notifier
from notifier.timeline import Step, chain


@dataclass(frozen=True)
class Story:
    """One instance, as far as it has come; any part may be missing."""

    instance: Document | None
    request: Document | None
    """What became of the event that started it."""
    notice: Document | None
    steps: list[Step]
    away: str
    """Why the orchestrator could not be asked; empty where it could."""


def story(service: Notifier, instance_id: str) -> Story:
    """Tell what is known of an instance; where the orchestrator is away, what was heard of it."""
    ask, away = service.orchestrator, ""
    found = request = None
    history: list[Document] = []
    try:
        found = ask.instance(instance_id)
        history = ask.history(instance_id) if found else []
        request = ask.started_by(instance_id)
    except Away as error:
        found, away = None, str(error)
    heard = (one for one in service.notices.each() if one["instance_id"] == instance_id)
    notice = next(heard, None)
    return Story(found, request, notice, chain(found, history, request, notice), away)
