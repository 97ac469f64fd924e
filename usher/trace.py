"""What happened to an event or an instance, from publish to notice, for `usher trace`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts import calls
from contracts.disposition import Disposition
from contracts.http import EventRecord
from contracts.records import DeadLetter, Timeline
from usher.client import Client
from usher.errors import NotFound
from usher.terminal import views

if TYPE_CHECKING:
    from rich.console import RenderableType

NOTHING = Timeline(instance=None, notice=None, steps=[])


@dataclass(frozen=True)
class Trace:
    """An event, where one was named, and the timeline of its instance."""

    timeline: Timeline
    event: EventRecord | None = None
    letter: DeadLetter | None = None
    is_lettered: bool = False
    """Whether the event was dead-lettered; `letter` is None if that is no longer kept."""

    def as_json(self) -> dict[str, Any]:
        event = views.as_it_came(self.event) if self.event else None
        if event and self.is_lettered:
            event["dead_letter"] = self.letter
        return {"event": event, **views.as_it_came(self.timeline)}

    def view(self) -> "RenderableType":
        from rich.console import Group

        parts: list[RenderableType] = []
        if self.event:
            parts.append(views.pairs({**views.as_it_came(self.event), **self._why()}))
        if found := self.timeline.instance:
            about = {
                "instance_id": found.instance_id,
                "workflow": found.workflow,
                "status": found.status,
                "custom_status": found.custom_status,
            }
            parts.append(views.pairs({name: value for name, value in about.items() if value}))
        if self.timeline.steps:
            columns = ("begin", "kind", "name", "state", "seconds", "until", "note")
            rows = [
                (step.begin, step.kind, step.name, step.state, step.seconds, step.until, step.note)
                for step in self.timeline.steps
            ]
            parts.append(views.table(columns, rows))
        return Group(*parts)

    def _why(self) -> dict[str, Any]:
        """Return what the dead letter says, as far as it says anything."""
        if self.letter is None:
            return {}
        told = views.as_it_came(self.letter)
        names = ("reason", "field", "message", "last_seen", "redriven_at")
        return {name: told[name] for name in names if told.get(name)}


def trace(client: Client, subject: str, source: str) -> Trace:
    """Find an instance of this id, or else an event. Raises `NotFound`."""
    try:
        return Trace(client.send(calls.timeline(subject)))
    except NotFound:
        pass
    try:
        event = client.send(calls.event(source, subject))
    except NotFound as unknown:
        title = f"Neither an instance nor an event from {source} has the id {subject!r}."
        raise NotFound(title, "Another source is named with --source.") from unknown
    is_lettered = event.disposition in (Disposition.DEAD_LETTERED, Disposition.EXPIRED)
    letter = _letter(client, subject, source) if is_lettered else None
    try:
        found = client.send(calls.timeline(event.instance_id)) if event.instance_id else NOTHING
    except NotFound:
        found = NOTHING
    return Trace(found, event, letter, is_lettered)


def _letter(client: Client, event_id: str, source: str) -> DeadLetter | None:
    """Return the oldest dead letter of an event."""
    found: DeadLetter | None = None
    cursor: calls.Cursor = 0
    while cursor is not None:
        page = client.send(calls.dead_letters(1000, cursor=cursor))
        for letter in page.items:
            if event_id in (letter.id, letter.event.id) and letter.event.source == source:
                found = letter
        cursor = page.next
    return found
