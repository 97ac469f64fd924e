"""An event as it arrived on its topic: read once, here, and nowhere after.

This is the one place that knows which command an event of a topic carries. What comes after takes
command, key and digest from the arrival, whatever the topic is.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.commands import Command, ControlInstance, RaiseEvent, StartWorkflow
from contracts.digest import command_digest
from contracts.events import Reason
from contracts.expiry import Deadline, deadline
from contracts.reading import command_of, instance_named, read_command_from
from contracts.refusal import Refused
from contracts.routes.matching import Matched, RouteRefused
from contracts.routes.spec import MOST_HELD, duration_seconds
from orchestrator.ledger.records import Disposition, Entry


@dataclass(frozen=True)
class Arrival:
    """One delivery of one command."""

    topic: str
    event: CloudEvent
    at: datetime
    token: str
    """Unique to this delivery. Its claim of a start has it."""
    digest: str
    """Hash of the command."""
    key: str | None
    """Its key in the ledger; None where the event lacks id or source."""
    command: Command | None = None
    instance_id: str | None = None
    """The instance that the command is for."""
    base_id: str | None = None
    """The id that the key alone gives, where each start of it is a run of its own (`again`)."""
    or_deliver: RaiseEvent | None = None
    """What to do in place of a start if the instance runs already."""
    start_at: datetime | None = None
    """When a start is due, if that is ahead."""
    early: timedelta | None = None
    """How long a command that finds no instance may wait for its start; None: not at all."""
    route: str | None = None
    """The route that the event came by; None for a command on a topic of Usher's."""
    deadline: Deadline | None = None
    flaw: Refused | None = None
    """Why the event can never be served. Without it, `command` and `instance_id` are there."""

    @property
    def terminates(self) -> bool:
        """Whether the event asks for the end of its instance."""
        command = self.command
        return isinstance(command, ControlInstance) and command.control == "terminate"

    def entry(self, disposition: Disposition, **more: Any) -> Entry:
        """Return the first entry of this event in the ledger."""
        known = {"key": self.key, "command": self.digest, "topic": self.topic, "at": self.at}
        known |= {"route": self.route, "base_id": self.base_id}
        return Entry(**known, disposition=disposition, **more)


def arrive(topic: str, event: CloudEvent) -> Arrival:
    """Read the command that came on a topic of Usher's. Never raises: `flaw` says what is wrong."""
    try:
        command = read_command_from(topic, event)
        instance_id = identity.instance_of(command, event.source, event.id)
    except Refused as refused:  # the log has the id all the same
        return _arrival(topic, event, None, instance_named(event), flaw=refused)
    return _arrival(topic, event, command, instance_id)


def arrive_by_route(channel: str, event: CloudEvent, found: Matched | RouteRefused) -> Arrival:
    """Return what a route makes of an event that came on `channel`, a topic or component/topic."""
    route = found.route.name
    if isinstance(found, RouteRefused):
        return _arrival(channel, event, None, None, route=route, flaw=found.refused)
    spec, workflow = found.route.spec, found.route.workflow
    try:
        start_at = _start_at(found)
    except Refused as refused:
        return _arrival(channel, event, None, None, route=route, flaw=refused)
    named, key = found.instance_id, _key(event, route) or ""
    base_id = named if spec.again else None
    instance_id = named if named and not base_id else identity.derived_id(base_id or workflow, key)
    target: dict[str, Any] = {"instance_id": named, "workflow": workflow, "key": found.key}
    early = timedelta(seconds=duration_seconds(spec.early)) if spec.early else None
    start = StartWorkflow(workflow=workflow, input=found.input, instance_id=instance_id)
    deliver = None
    if spec.event:
        given: dict[str, Any] = {"data": found.data, "ttl_seconds": spec.ttl_seconds}
        deliver = RaiseEvent(**target, event=spec.event, **given)
    command: Command
    if control := _CONTROLS.get(found.route.verb):
        reason = event.named
        command = ControlInstance(**target, control=control, reason=reason)
    else:
        command = deliver if deliver and spec.deliver else start
    also = deliver if command is start else None
    more: dict[str, Any] = {
        "base_id": base_id,
        "or_deliver": also,
        "early": early,
        "start_at": start_at,
    }
    return _arrival(channel, event, command, instance_id, route=route, **more)


def arrive_again(entry: Entry) -> Arrival:
    """Return a parked event as it arrives anew: by the rules under which it was accepted."""
    event, instance_id, base_id = entry.accepted(), entry.instance_id, entry.base_id
    if entry.asked is None:
        arrival = arrive(entry.topic, event)
        return replace(arrival, instance_id=instance_id or arrival.instance_id, base_id=base_id)
    command, route = command_of(entry.asked), entry.route
    return _arrival(entry.topic, event, command, instance_id, route=route, base_id=base_id)


_CONTROLS: dict[str, Literal["terminate", "suspend", "resume"]] = {
    "cancel": "terminate",
    "suspend": "suspend",
    "resume": "resume",
}


def _start_at(found: Matched) -> datetime | None:
    """Return when a start is due; None for now. Raises `Refused` if that is too far ahead."""
    spec, now = found.route.spec, datetime.now(UTC)
    if spec.delay:
        return now + timedelta(seconds=duration_seconds(spec.delay))
    if spec.at is None or found.start_at is None:
        return None
    at = datetime.fromisoformat(found.start_at)
    if at - now > MOST_HELD:
        said = f"gives {found.start_at}, more than {MOST_HELD.days} days ahead"
        raise Refused(Reason.ROUTE_CONDITION, f"at `{spec.at.text}`: {said}", "at")
    return at if at > now else None


def _key(event: CloudEvent, route: str | None) -> str | None:
    named = event.id and event.source
    return identity.event_key(event.source, event.id, route) if named else None


def _arrival(
    topic: str,
    event: CloudEvent,
    command: Command | None,
    instance_id: str | None,
    *,
    route: str | None = None,
    flaw: Refused | None = None,
    **more: Any,
) -> Arrival:
    at, due = datetime.now(UTC), None
    try:
        due = None if flaw else deadline(event, at)
    except Refused as refused:
        command, flaw = None, refused
    return Arrival(
        topic=topic,
        event=event,
        at=at,
        token=uuid.uuid4().hex,
        digest=command_digest(event),
        key=_key(event, route),
        command=command,
        instance_id=instance_id,
        route=route,
        deadline=due,
        flaw=flaw,
        **more,
    )
