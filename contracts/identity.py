"""Instance ids from commands, and reproducible ids of events that Usher publishes."""

import json
import re
import uuid
from hashlib import sha256

from contracts.commands import Addressed, Command, StartWorkflow
from contracts.events import Reason
from contracts.keys import instance_id_for
from contracts.message import INSTANCE_ID_PATTERN
from contracts.refusal import Refused

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:usher")


OWN_RUN = "usher_expire"
"""Usher's own workflow, which runs at the deadline of a parked event. The name is reserved."""
_OWN_RUN_ID = re.compile(rf"{OWN_RUN}-[0-9a-f]{{24}}-[0-9]+")


def own_run_id(key: str, attempt: int) -> str:
    """Return the id of Usher's own run that ends the wait of the event with this key."""
    return f"{OWN_RUN}-{key}-{attempt}"


def is_own_run(instance_id: str) -> bool:
    """Return whether an instance is Usher's own run. Lists and sweeps leave it out."""
    return _OWN_RUN_ID.fullmatch(instance_id) is not None


DERIVED_MARK = "ce-"
"""Prefix of the event's key in an instance id that was derived from the event."""


_DERIVED_ID = re.compile(rf".*-{DERIVED_MARK}([0-9a-f]{{24}})", re.DOTALL)


def derived_key(instance_id: str) -> str | None:
    """Return the event's key in an instance id that was derived from an event; else None."""
    found = _DERIVED_ID.fullmatch(instance_id)
    return found[1] if found else None


def event_key(source: str, event_id: str, route: str | None = None) -> str:
    """Return the key of an event's source and id, for one route: 24 hexadecimal digits."""
    parts = [source, event_id, route] if route else [source, event_id]
    return sha256(json.dumps(parts).encode()).hexdigest()[:24]


def derived_id(workflow: str, key: str) -> str:
    """Return the id of an instance that only the event with this key can start."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", workflow)[:100]
    return f"{name}-{DERIVED_MARK}{key}"


def _id_for_key(workflow: str, key: str) -> str:
    instance_id = f"{workflow}-{key}"
    if not re.fullmatch(INSTANCE_ID_PATTERN, instance_id):
        message = f"{instance_id!r} is no instance id: use letters, digits, _ and -, at most 128"
        raise Refused(Reason.INVALID_INSTANCE_ID, message, "key")
    return _not_ours(instance_id, "workflow")


def instance_to_start(command: StartWorkflow, source: str, event_id: str) -> str:
    """Return the id of the instance to start; `source` and `event_id` are the event's."""
    if command.instance_id is not None:
        return _not_derived(_not_ours(command.instance_id, "instance_id"), "instance_id")
    if command.key is not None:
        return _not_derived(_id_for_key(command.workflow, command.key), "key")
    return derived_id(command.workflow, event_key(source, event_id))


def instance_addressed(command: Addressed) -> str:
    """Return the id of the instance that a command is for."""
    if command.instance_id is not None:
        return _not_ours(command.instance_id, "instance_id")
    # A route may have started it by any key.
    return _not_ours(instance_id_for(command.workflow or "", command.key or ""), "workflow")


def instance_of(command: Command, source: str, event_id: str) -> str:
    """Return the id of the instance of any command; `source` and `event_id` are the event's."""
    if isinstance(command, StartWorkflow):
        return instance_to_start(command, source, event_id)
    return instance_addressed(command)


def _not_ours(instance_id: str, field: str) -> str:
    """Return the id; raise `Refused` if it is reserved for Usher's own runs."""
    if instance_id.startswith(f"{OWN_RUN}-"):
        message = f"ids that begin with {OWN_RUN}- are reserved for Usher; choose another"
        raise Refused(Reason.INVALID_INSTANCE_ID, message, field)
    return instance_id


def _not_derived(instance_id: str, field: str) -> str:
    """Return the id; raise `Refused` if it has the form of ids that Usher derives from events."""
    if derived_key(instance_id):
        message = (
            f"{instance_id!r} ends with -{DERIVED_MARK} and 24 hexadecimal digits, like ids that "
            "Usher derives from events: choose another"
        )
        raise Refused(Reason.INVALID_INSTANCE_ID, message, field)
    return instance_id


def event_id(*parts: str) -> str:
    """Return the id of an event that Usher publishes. The same parts give the same id anywhere."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts)))


def notice_id(instance_id: str, run: str) -> str:
    """Return the id of a run's completion event; `run` is the key of the event that started it.

    The outcome is not part of it: a run has one ending, the first that is announced.
    """
    return event_id("completed", instance_id, run)
