"""Digests of commands: they tell a redelivery from another event with the same source and id.

In CloudEvents, source and id identify an event. If two events share them but carry different
commands, their publisher has made a mistake, which must not look like a redelivery.
"""

import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

from contracts.cloudevent import CloudEvent, kept
from contracts.commands import Command, ControlInstance, RaiseEvent, StartWorkflow
from contracts.events import Reason
from contracts.limits import MAX_DATA_BYTES
from contracts.reading import read_command
from contracts.refusal import Refused


def command_digest(event: CloudEvent) -> str:
    """Return a digest of an event's command. It does not depend on how the JSON is written.

    Only the data counts, as a redrive leaves out some attributes. If the event carries no command,
    the digest is of the data that a dead letter keeps, as a redrive sends that.
    """
    content: Any
    try:
        content = _content(read_command(event))
    except Refused:
        if len(event.body) > MAX_DATA_BYTES:
            return sha256(event.body).hexdigest()[:24]
        content = kept(event.body)
    text = json.dumps(_plain(content), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:24]


def identity_reused(event: CloudEvent) -> Refused:
    """Return the refusal of an event that has the source and id of another event."""
    message = (
        f"another event from {event.source!r} has the id {event.id!r} and another command: "
        "give each event an id of its own"
    )
    return Refused(Reason.IDENTITY_REUSED, message, "id")


def _content(command: Command) -> list[Any]:
    instance = command.instance_id
    if instance is None and command.key is not None:
        instance = f"{command.workflow}-{command.key}"
    match command:
        case StartWorkflow():
            return ["start", instance, command.workflow, command.input]
        case RaiseEvent():
            return ["event", instance, command.event, command.data]
        case ControlInstance():
            return ["control", instance, command.control, command.reason]


def _plain(value: Any) -> Any:
    """Replace whole floats by integers: `1.0` and `1` are the same JSON number."""
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value)))  # from its text: int(1e23) is another number
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def start_digest(command: StartWorkflow) -> str:
    """Return a hash of the workflow and its input: equal starts of one instance id are one."""
    text = json.dumps([command.workflow, command.input], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:24]
