"""The AsyncAPI document of Usher, from the workflows and routes that the orchestrator serves."""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any

from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.events import (
    COMPLETED_TYPE,
    DEAD_LETTERED_TYPE,
    EventDeadLettered,
    WorkflowCompleted,
)
from contracts.http import Workflow
from contracts.message import Message
from contracts.served_routes import ServedRoute
from contracts.topics import Topic
from starter.asyncapi.draft import Draft, Json
from starter.asyncapi.messages import code, payload
from starter.asyncapi.route_operations import StartData, add_routes
from starter.asyncapi.schemas import Schema, refers, tolerant

INFO: Json = {
    "title": "Usher",
    "description": (
        "Usher is the event-driven front door for Dapr Workflow. Operations are described from its "
        "side: it receives what you publish, and it sends what you may subscribe to.\n\n"
        "Every message is a CloudEvent. The starter takes events over HTTP too, in structured, "
        "binary and batch mode: `POST /events`. A sidecar adds the envelope to JSON without one."
    ),
    "license": {"name": "Apache-2.0"},
}


def document(workflows: Iterable[Workflow], routes: Iterable[ServedRoute]) -> Json:
    """Return the document. The same workflows and routes give the same text."""
    draft = Draft()
    named = sorted(workflows, key=lambda workflow: workflow.name)
    inputs = {one.name: draft.data(f"{one.name}.input", one.input_schema) for one in named}
    _requests(draft, named, inputs)
    _commands(draft)
    _sent(draft)
    by_name = sorted(routes, key=lambda route: route.name)
    for_events = [one for one in by_name if one.channel and one.verb != "unmatched"]
    add_routes(draft, for_events, _data(draft, named, inputs))
    schedules = [_schedule(route) for route in by_name if not route.channel]
    info = {**INFO, "version": version("usher-dapr")}
    return draft.document(info, {"x-schedules": schedules} if schedules else {})


def _requests(draft: Draft, workflows: list[Workflow], inputs: dict[str, Schema]) -> None:
    """Add a message for each workflow, as each has an input of its own."""
    command = _schema(draft, StartWorkflow)
    channel = draft.channel(Topic.REQUESTS, "Requests that start workflows.")
    messages = []
    for one in workflows:
        fields: Json = {"workflow": {"const": one.name}, "input": inputs[one.name]}
        data = {"allOf": [command, {"properties": fields}]}
        message = {
            "name": one.name,
            "title": f"Start {one.name}",
            "description": one.description,
            "payload": payload(draft.envelope, {}, data),
            **_examples(one),
        }
        messages.append(draft.message(channel, ("start", one.name), message))
    if not messages:
        messages = [_message(draft, channel, StartWorkflow, command)]
    draft.operation("startWorkflow", "receive", channel, _does("Starts a workflow.", messages))


def _commands(draft: Draft) -> None:
    """Add what addresses an instance."""
    channel = draft.channel(Topic.EVENTS, "Events and controls for instances.")
    for name, model, does in (
        ("raiseEvent", RaiseEvent, "Delivers an event to an instance; parks it if it is early."),
        ("controlInstance", ControlInstance, "Terminates, suspends, resumes or purges one."),
    ):
        message = _message(draft, channel, model, _schema(draft, model))
        draft.operation(name, "receive", channel, _does(does, [message]))


def _sent(draft: Draft) -> None:
    """Add what Usher publishes."""
    for name, topic, model, type_, does in (
        (
            *("announceCompletion", Topic.COMPLETIONS, WorkflowCompleted, COMPLETED_TYPE),
            "Says once that a run has ended, and how.",
        ),
        (
            *("deadLetter", Topic.DEAD_LETTERS, EventDeadLettered, DEAD_LETTERED_TYPE),
            "Puts aside an event that could not be served, with the reason.",
        ),
    ):
        channel = draft.channel(topic, does)
        message = _message(draft, channel, model, _schema(draft, model), type_)
        draft.operation(name, "send", channel, _does(does, [message]))


def _message(
    draft: Draft, channel: str, model: type[Message], data: Schema, type_: str | None = None
) -> Json:
    message = {
        "name": model.__name__,
        "title": model.__name__,
        "description": (model.__doc__ or "").strip(),
        "payload": payload(draft.envelope, {"type": type_}, data),
    }
    return draft.message(channel, (model.__name__,), message)


def _schema(draft: Draft, model: type[Message]) -> Schema:
    return draft.data(model.__name__, _of_model(model))


@cache
def _of_model(model: type[Message]) -> Schema:
    return model.model_json_schema()


def _does(what: str, messages: list[Json]) -> Json:
    return {"summary": what, "messages": messages}


def _examples(workflow: Workflow) -> Json:
    if workflow.example is None or refers(workflow.example):
        return {}
    data: dict[str, Any] = {"workflow": workflow.name, "input": workflow.example}
    head = {"specversion": "1.0", "id": "example", "source": "/example", "type": "example"}
    return {"examples": [{"name": workflow.name, "payload": {**head, "data": data}}]}


def _data(
    draft: Draft, workflows: list[Workflow], inputs: dict[str, Schema]
) -> dict[str, StartData]:
    """Return the data of events that start workflows: inputs, which may have further fields."""
    found = {}
    for one in workflows:
        schema = tolerant(one.input_schema)
        same = schema == one.input_schema
        data = inputs[one.name] if same else draft.data(f"{one.name}.data", schema)
        found[one.name] = StartData(data, one.example)
    return found


def _schedule(route: ServedRoute) -> Json:
    every, zone = str(route.spec.get("every")), str(route.spec.get("timezone", "UTC"))
    return {
        "route": route.name,
        "description": f"Starts {code(route.workflow)} at {code(every)}, {zone}.",
        "paused": route.paused,
    }
