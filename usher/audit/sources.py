"""The topics that an audit reads, and what must have become of each event on them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.digest import command_digest
from contracts.disposition import Disposition
from contracts.entry import read_entry
from contracts.letters import forwarded_id, letter_id, reused_id
from contracts.reading import read_command_from
from contracts.routes.incoming import read_incoming
from contracts.routes.matching import Matched, RouteRefused, RouteTable
from contracts.routes.route import Route, declared
from contracts.served_routes import ServedRoute
from contracts.topics import READ_BY, Topic
from usher.audit.topic_reader import EntryId, StreamEntry

AUDITED = (Topic.REQUESTS, Topic.EVENTS)
ROUTED_GROUP = READ_BY[Topic.REQUESTS]
"""The consumer group that reads the topics of routes."""

_TAKES_EFFECT = 5
"""Seconds after a change in which an event may still be served as before, also as clocks differ."""

_STARTED = {Disposition.STARTED, Disposition.DUPLICATE, Disposition.EXPIRED}
_DELIVERED = {Disposition.DELIVERED, Disposition.PARKED, Disposition.EXPIRED}
_CONTROLLED = {Disposition.CONTROLLED, Disposition.PARKED, Disposition.EXPIRED}
_OF_COMMAND: dict[type, set[Disposition]] = {
    StartWorkflow: _STARTED,
    RaiseEvent: _DELIVERED,
    ControlInstance: _CONTROLLED,
}
_OF_VERB = {
    "start": _STARTED,
    "deliver": _DELIVERED,
    "start_or_deliver": _STARTED | _DELIVERED,
}
"""What may become of an event by the verb of its route, beside a dead letter."""


class Expected(NamedTuple):
    """What may become of an event, beside a dead letter."""

    dispositions: set[Disposition]
    instance_id: str


@dataclass(frozen=True)
class Item:
    """An event of an entry, and for an event of a routed topic the route that it is for."""

    entry: StreamEntry
    event: CloudEvent
    key: str | None
    """Its key in the ledger; None where it lacks id or source."""
    digest: str
    """Of what it asks for."""
    mark: str
    """What it is known by here. Another event of that source and id has a mark of its own."""
    expect: Callable[[], Expected]
    """Raises `Refused` for an event that can only be a dead letter."""
    route: str | None = None
    certain: bool = True
    """Whether the route was surely served as it is now when the entry came."""

    def letters(self, topic: str | None = None) -> list[str]:
        """Return the ids that its dead letter may have: the orchestrator's, a sidecar's."""
        orchestrators = letter_id(topic or self.entry.topic, self.event, self.route)
        return [orchestrators, forwarded_id(self.entry.data)]

    @property
    def reused_letter(self) -> str:
        """The id of its dead letter if another event has its source and id."""
        return reused_id(self.entry.topic, self.event, self.route)


class CommandSource:
    """A topic of Usher's: each entry is a command."""

    def __init__(self, topic: Topic) -> None:
        self.topic: str = topic
        self.group = READ_BY[topic]

    def items(self, entry: StreamEntry) -> Iterator[Item | None]:
        event = read_entry(entry.data)

        def expect() -> Expected:
            command = read_command_from(entry.topic, event)
            instance_id = identity.instance_of(command, event.source, event.id)
            return Expected(_OF_COMMAND[type(command)], instance_id)

        yield _item(entry, event, expect)


class RoutedSource:
    """A topic of routes: each entry is for each route that it matches, as the service has it."""

    def __init__(self, topic: str, routes: Iterable[ServedRoute]) -> None:
        served = list(routes)
        self.topic = topic
        self.group = ROUTED_GROUP
        since = {one.name: one.since for one in served if one.since}
        self._table = RouteTable(map(_route, served), since)
        self._unchanged: Mapping[str, datetime] = {
            one.name: one.unchanged_since for one in served if one.unchanged_since
        }

    def items(self, entry: StreamEntry) -> Iterator[Item | None]:
        """Yield an item for each route that an event is for; None for an event that none is for."""
        for event in read_incoming(entry.data, self.topic):
            taken, _ = self._table.split(self.topic, event)
            if not taken:
                yield None
            for found in taken:
                yield self._item(entry, event, found)

    def _item(self, entry: StreamEntry, event: CloudEvent, found: Matched | RouteRefused) -> Item:
        name = found.route.name

        def expect() -> Expected:
            if isinstance(found, RouteRefused):
                raise found.refused
            spec, key = found.route.spec, identity.event_key(event.source, event.id, name)
            instance_id = found.instance_id or identity.derived_id(found.route.workflow, key)
            held = {Disposition.PARKED} if spec.delay or spec.at else set()
            dispositions = _OF_VERB.get(found.route.verb, _CONTROLLED) | held
            return Expected(dispositions, instance_id)

        unchanged = self._unchanged.get(name)
        certain = unchanged is None or came(entry.id) >= unchanged.timestamp() + _TAKES_EFFECT
        return _item(entry, event, expect, name, certain)


Source = CommandSource | RoutedSource


class Place(NamedTuple):
    """Where an event is."""

    source: Source
    entry: EntryId


def sources(routes: Iterable[ServedRoute]) -> tuple[list[Source], list[str]]:
    """Return what can be audited, and the channels of routes on brokers that are not Usher's."""
    found: list[Source] = [CommandSource(topic) for topic in AUDITED]
    by_channel: dict[str, list[ServedRoute]] = {}
    for one in routes:
        if one.channel:
            by_channel.setdefault(one.channel, []).append(one)
    of_others = sorted(channel for channel in by_channel if "/" in channel)
    for channel in sorted(by_channel.keys() - {*of_others}):
        found.append(RoutedSource(channel, by_channel[channel]))
    return found, of_others


def came(entry_id: EntryId) -> float:
    """Return the time at which the broker took an entry, in seconds since 1970."""
    return entry_id.ms / 1000


def _route(one: ServedRoute) -> Route:
    route, faults = declared(one.name, Path(one.declared), one.spec, {})
    if route is None or faults:
        raise ValueError("; ".join(map(str, faults)))
    return route


def _item(
    entry: StreamEntry,
    event: CloudEvent,
    expect: Callable[[], Expected],
    route: str | None = None,
    certain: bool = True,
) -> Item:
    named = event.id and event.source
    key = identity.event_key(event.source, event.id, route) if named else None
    digest = command_digest(event) if key else ""
    mark = key or letter_id(entry.topic, event, route)
    return Item(entry, event, key, digest, mark, expect, route, certain)
