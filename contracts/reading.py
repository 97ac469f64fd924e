"""Reads the command in an event's data, or refuses it and names the invalid field."""

from typing import Any

from pydantic import ValidationError

from contracts import identity, strict_json
from contracts.cloudevent import CloudEvent
from contracts.commands import Command, ControlInstance, RaiseEvent, StartWorkflow
from contracts.events import Reason
from contracts.limits import MAX_DATA_BYTES
from contracts.refusal import Refused, explain
from contracts.topics import Topic


def _model(data: Any) -> type[Command]:
    if isinstance(data, str):  # a sidecar turns data that is not JSON into a JSON string
        raise Refused(Reason.INVALID_JSON, f"the data is text, not a JSON object: {data[:80]!r}")
    if not isinstance(data, dict):
        message = 'must be a JSON object such as {"workflow": "hello_workflow"}'
        raise Refused(Reason.INVALID_REQUEST, message, "data")
    if "event" in data and "control" in data:
        raise Refused(Reason.INVALID_REQUEST, "give `event` or `control`, not both", "control")
    if "event" in data:
        return RaiseEvent
    if "control" in data:
        return ControlInstance
    if "workflow" in data:
        return StartWorkflow
    message = (
        "give `workflow` to start it, `event` to deliver it, or `control` to terminate, suspend, "
        "resume or purge"
    )
    raise Refused(Reason.INVALID_REQUEST, message, "workflow")


def topic_of(command: Command) -> Topic:
    """Return the topic for a command."""
    return Topic.REQUESTS if isinstance(command, StartWorkflow) else Topic.EVENTS


def read_command(event: CloudEvent) -> Command:
    """Return the command in an event, decoded once. Raises `Refused` if there is none."""
    if "command" not in event.memo:
        try:
            event.memo["command"] = _command(event)
        except Refused as refused:
            event.memo["command"] = refused
    found: Command | Refused = event.memo["command"]
    if isinstance(found, Refused):
        raise Refused(found.reason, found.message, found.field)
    return found


def _command(event: CloudEvent) -> Command:
    if not event.body:
        message = "the event has no data; JSON data needs datacontenttype application/json"
        raise Refused(Reason.INVALID_EVENT, message, "data")
    if len(event.body) > MAX_DATA_BYTES:
        message = f"{len(event.body):,} bytes of data; the limit is {MAX_DATA_BYTES:,}"
        raise Refused(Reason.OVERSIZE, message, "data")
    return command_of(strict_json.loads(event.body))


def command_of(data: Any) -> Command:
    """Return the command that JSON data describe. Raises `Refused`."""
    model = _model(data)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        field, message = explain(error, data)
        wrong_id = field == "instance_id"
        reason = Reason.INVALID_INSTANCE_ID if wrong_id else Reason.INVALID_REQUEST
        raise Refused(reason, message, field or None) from error


def instance_named(event: CloudEvent) -> str | None:
    """Return the id of the instance that an event is for; None if it names none."""
    try:
        return identity.instance_of(read_command(event), event.source, event.id)
    except Refused:
        return None


def read_command_from(topic: str, event: CloudEvent) -> Command:
    """Return the command in an event from `topic`. Raises `Refused` if it belongs on another."""
    command = read_command(event.identified())
    if topic_of(command) != topic:
        message = f"this belongs on the topic {topic_of(command)}"
        raise Refused(Reason.INVALID_REQUEST, message, "data")
    return command
