"""Who is who: instance ids from commands, and event ids that come out the same every time."""

import json
import re
import uuid
from hashlib import sha256

from contracts.commands import Addressed, Command, StartWorkflow
from contracts.events import Reason
from contracts.message import INSTANCE_ID_PATTERN
from contracts.refusal import Refused

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:usher")


DERIVED_MARK = "ce-"
"""Stands before the event's key in an instance id that was derived from the event."""


def event_key(source: str, event_id: str) -> str:
    """Return the short key of an event's identity: 24 hexadecimal digits."""
    return sha256(json.dumps([source, event_id]).encode()).hexdigest()[:24]


def _id_for_key(workflow: str, key: str) -> str:
    instance_id = f"{workflow}-{key}"
    if not re.fullmatch(INSTANCE_ID_PATTERN, instance_id):
        message = f"{instance_id!r} is no instance id: use letters, digits, _ and -, at most 128"
        raise Refused(Reason.INVALID_INSTANCE_ID, message, "key")
    return instance_id


def instance_to_start(command: StartWorkflow, source: str, event_id: str) -> str:
    """Return the id of the instance that this command, carried by this event, starts."""
    if command.instance_id is not None:
        return command.instance_id
    if command.key is not None:
        return _id_for_key(command.workflow, command.key)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", command.workflow)[:100]
    return f"{name}-{DERIVED_MARK}{event_key(source, event_id)}"


def instance_addressed(command: Addressed) -> str:
    """Return the id of the instance that this command is for."""
    if command.instance_id is not None:
        return command.instance_id
    return _id_for_key(command.workflow or "", command.key or "")


def instance_of(command: Command, source: str, event_id: str) -> str:
    """Return the id of the instance that any command is about, carried by this event."""
    if isinstance(command, StartWorkflow):
        return instance_to_start(command, source, event_id)
    return instance_addressed(command)


def event_id(*parts: str) -> str:
    """Return the id of an event Usher emits: the same parts give the same id, anywhere."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts)))


def notice_id(instance_id: str, run: str) -> str:
    """Return the id of the notice that a run ended; `run` is the key of what started it.

    It leaves out the outcome: a run has one ending, the first one told.
    """
    return event_id("completed", instance_id, run)
