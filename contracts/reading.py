"""From an event's data to a command, or a refusal that names the field at fault."""

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
    if isinstance(data, str):  # what is not JSON comes from a sidecar as a JSON string
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
    message = "name what is wanted: `workflow` to start, `event` to deliver, `control` to steer"
    raise Refused(Reason.INVALID_REQUEST, message, "workflow")


def topic_of(command: Command) -> Topic:
    """Return the topic that carries this kind of command."""
    return Topic.REQUESTS if isinstance(command, StartWorkflow) else Topic.EVENTS


def read_command(event: CloudEvent) -> Command:
    """Decode the command an event carries, once; raise `Refused` where it carries none."""
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
        message = f"{len(event.body):,} bytes of data; at most {MAX_DATA_BYTES:,} are served"
        raise Refused(Reason.OVERSIZE, message, "data")
    data = strict_json.loads(event.body)
    model = _model(data)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        field, message = explain(error, data)
        wrong_id = field == "instance_id"
        reason = Reason.INVALID_INSTANCE_ID if wrong_id else Reason.INVALID_REQUEST
        raise Refused(reason, message, field or None) from error


def instance_named(event: CloudEvent) -> str | None:
    """Return the id of the instance an event is about; None where it names none."""
    try:
        return identity.instance_of(read_command(event), event.source, event.id)
    except Refused:
        return None


def read_command_from(topic: Topic, event: CloudEvent) -> Command:
    """Decode a command that came on `topic`; one that belongs on another topic is refused."""
    command = read_command(event.identified())
    if topic_of(command) is not topic:
        message = f"this belongs on the topic {topic_of(command)}"
        raise Refused(Reason.INVALID_REQUEST, message, "data")
    return command
