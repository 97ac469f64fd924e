"""What happened to an event or an instance, from publish to notice, for `usher trace`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    by_routes: tuple[EventRecord, ...] = ()
    """What each route made of the event, if it came on a topic of routes; `event` is the first."""
    letters: Mapping[str | None, DeadLetter] = field(default_factory=dict)
    """The dead letters of the event that are kept, by their routes; None is that of a command."""

    def as_json(self) -> dict[str, Any]:
        event = views.as_it_came(self.event) if self.event else None
        if event and self.event and _is_lettered(self.event):
            event["dead_letter"] = self.letters.get(self.event.route)
        return {"event": event, "by_routes": self._routes(), **views.as_it_came(self.timeline)}

    def view(self) -> "RenderableType":
        from rich.console import Group

        parts: list[RenderableType] = []
        if self.event:
            parts.append(views.pairs({**views.as_it_came(self.event), **self._why()}))
        if len(self.by_routes) > 1:
            names = ("route", "disposition", "instance_id", "reason", "field")
            rows = [[one.get(name) for name in names] for one in self._routes()]
            parts.append(views.filled_table(names, rows))
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
                [step.begin, step.kind, step.name, step.state, step.seconds, step.until, step.note]
                for step in self.timeline.steps
            ]
            parts.append(views.table(columns, rows))
        return Group(*parts)

    def _why(self) -> dict[str, Any]:
        """Return what the dead letter says, as far as it says anything."""
        letter = self.letters.get(self.event.route) if self.event else None
        if letter is None:
            return {}
        told = views.as_it_came(letter)
        names = ("reason", "field", "message", "last_seen", "redriven_at")
        return {name: told[name] for name in names if told.get(name)}

    def _routes(self) -> list[dict[str, Any]]:
        """Return what each route made of the event, with the reason of its dead letter."""
        found = []
        for one in self.by_routes:
            letter = self.letters.get(one.route) if _is_lettered(one) else None
            why = {"reason": str(letter.reason), "field": letter.field} if letter else {}
            found.append({**views.as_it_came(one), **why})
        return found


def trace(client: Client, subject: str, source: str | None) -> Trace:
    """Find an instance of this id, or else an event. Raises `NotFound`."""
    try:
        return Trace(client.send(calls.timeline(subject)))
    except NotFound:
        pass
    sources = (source,) if source else (calls.STARTER_SOURCE, calls.SEND_SOURCE)
    for known in sources:
        if found := _event(client, subject, known):
            return found
    _say_if_unrouted(client, subject, sources)
    named = " or ".join(sources)
    title = f"Neither an instance nor an event from {named} has the id {subject!r}."
    raise NotFound(title, "Name another source with --source. Routes that are gone are not asked.")


def _say_if_unrouted(client: Client, event_id: str, sources: tuple[str, ...]) -> None:
    """Raise `NotFound` with the reasons, if it is one of the last events that no route was for."""
    for one in client.send(calls.routes()).unrouted:
        if one.id == event_id and one.source in sources:
            why = "; ".join(f"{name}: {reason}" for name, reason in one.why.items())
            title = f"No route was for the event {event_id!r} from {one.source} on {one.channel}."
            raise NotFound(title, why)


def _event(client: Client, event_id: str, source: str) -> Trace | None:
    """Return what became of an event: of a command, or of one that routes were for."""
    routed: tuple[EventRecord, ...] = ()
    try:
        event = client.send(calls.event(source, event_id))
    except NotFound:
        routed = tuple(client.send(calls.routed_event(source, event_id)).items)
        if not routed:
            return None
        event = routed[0]
    lettered = any(map(_is_lettered, (event, *routed)))
    letters = _letters(client, event_id, source) if lettered else {}
    try:
        found = client.send(calls.timeline(event.instance_id)) if event.instance_id else NOTHING
    except NotFound:
        found = NOTHING
    return Trace(found, event, routed, letters)


def _is_lettered(event: EventRecord) -> bool:
    return event.disposition in (Disposition.DEAD_LETTERED, Disposition.EXPIRED)


def _letters(client: Client, event_id: str, source: str) -> dict[str | None, DeadLetter]:
    """Return the oldest dead letters of an event, by their routes."""
    found: dict[str | None, DeadLetter] = {}
    cursor: calls.Cursor = 0
    while cursor is not None:
        page = client.send(calls.dead_letters(1000, cursor=cursor))
        for letter in page.items:
            its_own = event_id in (letter.id, letter.event.id)
            if its_own and letter.event.source == source:
                found[letter.route] = letter
        cursor = page.next
    return found
