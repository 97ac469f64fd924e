"""What an event asks for, as a digest: tells one event sent twice from two that share an identity.

CloudEvents says that source and id identify an event. Two events of one identity that ask for
different things are a fault of their publisher, which must not look like a redelivery.
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
    """Return a digest of what an event asks for: the same however its JSON is written.

    Only its data counts, as a redrive leaves out some attributes. An event that carries no command
    is known by what a dead letter keeps of it, as that is what a redrive sends.
    """
    asked: Any
    try:
        asked = _asked(read_command(event))
    except Refused:
        if len(event.body) > MAX_DATA_BYTES:
            return sha256(event.body).hexdigest()[:24]
        asked = kept(event.body)
    text = json.dumps(_plain(asked), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:24]


def identity_reused(event: CloudEvent) -> Refused:
    """Return the refusal of an event whose source and id another event has."""
    message = (
        f"another event from {event.source!r} has the id {event.id!r} and asks for something else: "
        "give each event an id of its own"
    )
    return Refused(Reason.IDENTITY_REUSED, message, "id")


def _asked(command: Command) -> list[Any]:
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
    """Write a number that is whole as an integer: `1.0` and `1` are the same JSON number."""
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value)))  # as it was written: int(1e23) is another number
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value
