"""The starter's routes. A route that publishes answers 202 once the broker has the event."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse

from chassis import problem
from contracts import strict_json
from contracts.http import Accepted, AcceptedBatch, Problem, Status
from contracts.large_bodies import LargeBodies
from contracts.message import ADDRESSABLE_ID_PATTERN
from contracts.topics import CHANNEL
from starter.inbox import command_event, placed, read_events
from starter.outbox import Outbox, Outgoing, addressed, routed
from starter.status import StatusReader


def _accepted(outgoing: Outgoing) -> Accepted:
    return Accepted(instance_id=outgoing.instance_id, event_id=outgoing.event.id)


def _outbox(request: Request) -> Outbox:
    outbox: Outbox = request.app.state.outbox
    return outbox


def _reader(request: Request) -> StatusReader:
    reader: StatusReader = request.app.state.reader
    return reader


def _large_bodies(request: Request) -> LargeBodies:
    bodies: LargeBodies = request.app.state.large_bodies
    return bodies


Out = Annotated[Outbox, Depends(_outbox)]
StatusOf = Annotated[StatusReader, Depends(_reader)]
Bodies = Annotated[LargeBodies, Depends(_large_bodies)]
IdempotencyKey = Annotated[
    str | None,
    Header(max_length=256, description="requests with the same key are served once"),
]
ChannelQuery = Annotated[
    str | None,
    Query(
        pattern=CHANNEL,
        max_length=255,
        description="the topic of routes, or component/topic; without it, the command's own topic",
    ),
]
InstanceIdPath = Annotated[str, Path(pattern=ADDRESSABLE_ID_PATTERN)]
_TAKEN = "the idempotency key was used for another command; nothing was published"
PROBLEMS: dict[int | str, dict[str, Any]] = {
    413: {"model": Problem, "description": "the body is too large"},
    422: {
        "model": Problem,
        "description": "it cannot be served; nothing was published",
    },
    503: {"model": Problem, "description": "the broker is away; nothing was accepted"},
}
KEYED = {409: {"model": Problem, "description": _TAKEN}, **PROBLEMS}


def _body(example: Any, description: str) -> dict[str, Any]:
    """Return the OpenAPI part for a body of any JSON, which the route itself reads strictly."""
    content = {"application/json": {"schema": {}, "example": example}}
    return {"requestBody": {"description": description, "content": content}}


router = APIRouter()


async def accept(
    request: Request,
    outbox: Outbox,
    command: dict[str, Any],
    key: str | None,
    carried: str = "",
) -> Accepted:
    """Publish a command. The request body, any JSON but `null`, becomes its member `carried`."""
    given = {name: value for name, value in command.items() if value is not None}
    body = await request.body() if carried else b""

    def read() -> Outgoing:
        carries = body and strict_json.loads(body) is not None
        return addressed(command_event(given, key, {carried: body} if carries else {}))

    outgoing = await _large_bodies(request).read(body, read)
    if key:
        await request.app.state.keys.check(outgoing.event)
    await outbox.publish(outgoing)
    return _accepted(outgoing)


def _outgoing(
    headers: Mapping[str, str], body: bytes, topic: str | None
) -> tuple[list[Outgoing], bool]:
    """Return the events of a request, and whether it was a batch. Raises `Refused`."""
    found, is_batch = read_events(headers, body)
    outgoing = []
    for position, event in enumerate(found):
        with placed(position if is_batch else None):
            outgoing.append(routed(event, topic) if topic else addressed(event))
    return outgoing, is_batch


@router.post(
    "/events",
    status_code=202,
    responses=PROBLEMS,
    openapi_extra=_body(
        {
            "specversion": "1.0",
            "id": "order-1",
            "source": "/shop",
            "type": "order.placed",
            "data": {"workflow": "hello_workflow", "input": "Ada"},
        },
        "one CloudEvent (structured or binary), or a batch",
    ),
)
async def events(
    request: Request, outbox: Out, bodies: Bodies, topic: ChannelQuery = None
) -> Accepted | AcceptedBatch:
    """Publish CloudEvents. Each keeps its source and id, which make a repeat harmless."""
    headers, body = request.headers, await request.body()
    outgoing, is_batch = await bodies.read(body, lambda: _outgoing(headers, body, topic))
    if topic:
        await request.app.state.topics.check(topic)
    for event in outgoing:
        await outbox.publish(event)
    accepted = [_accepted(event) for event in outgoing]
    return AcceptedBatch(items=accepted) if is_batch else accepted[0]


@router.post("/start/{user_name}", status_code=202, responses=KEYED)
async def start(
    request: Request, user_name: str, outbox: Out, idempotency_key: IdempotencyKey = None
) -> Accepted:
    """Start `hello_workflow` for someone."""
    command = {"workflow": "hello_workflow", "input": {"name": user_name}}
    return await accept(request, outbox, command, idempotency_key)


@router.post(
    "/workflows/{name}",
    status_code=202,
    responses=KEYED,
    openapi_extra=_body({"name": "Ada"}, "the workflow's input; without it, all defaults"),
)
async def start_workflow(
    request: Request,
    name: str,
    outbox: Out,
    key: Annotated[str | None, Query(description="the instance id becomes <name>-<key>")] = None,
    instance_id: Annotated[str | None, Query()] = None,
    idempotency_key: IdempotencyKey = None,
) -> Accepted:
    """Start a workflow by name."""
    command = {
        "workflow": name,
        "key": key,
        "instance_id": instance_id,
    }
    return await accept(request, outbox, command, idempotency_key, "input")


@router.post(
    "/instances/{instance_id:path}/events/{event:path}",
    status_code=202,
    responses=KEYED,
    openapi_extra=_body({"approved": True}, "the event's data"),
)
async def raise_event(
    request: Request,
    instance_id: InstanceIdPath,
    event: str,
    outbox: Out,
    ttl_seconds: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
    idempotency_key: IdempotencyKey = None,
) -> Accepted:
    """Deliver an external event to an instance."""
    command = {
        "instance_id": instance_id,
        "event": event,
        "ttl_seconds": ttl_seconds,
    }
    return await accept(request, outbox, command, idempotency_key, "data")


@router.get(
    "/status/{instance_id:path}",
    response_model=Status,
    responses={404: {"model": Problem}, **PROBLEMS},
)
async def status(instance_id: InstanceIdPath, reader: StatusOf) -> Status | JSONResponse:
    """Return the status of an instance."""
    found = await reader.read(instance_id)
    return problem.respond(found) if isinstance(found, Problem) else found
