"""The calls between services, page and command line: what is sent to whom, and what it answers.

A call is a value. `chassis.client` sends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, cast
from urllib.parse import quote

from pydantic import BaseModel

from contracts.cloudevent import CONTENT_TYPE, JSON
from contracts.http import (
    Accepted,
    Accounts,
    DoctorReport,
    EventRecord,
    Explanation,
    HistoryEvent,
    Instance,
    Keys,
    Page,
    Parked,
    Status,
    Waiting,
    Workflow,
)
from contracts.records import (
    DeadLetter,
    Found,
    Ids,
    KeptLetter,
    KeptNotice,
    Notice,
    Redrive,
    RedriveProgress,
    Timeline,
)
from contracts.served_routes import RouteChanges, Routes
from contracts.services import Service

T = TypeVar("T")
Cursor = str | int | None
Param = str | int | float | None
STARTER_SOURCE = "/usher/starter"
"""The source of the events that the starter makes."""
SEND_SOURCE = "/usher/send"
"""The source of the events of `usher send`, unless `--source` names another."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """One HTTP request, and the type of its answer. Params that are None are left out."""

    service: Service
    method: Literal["GET", "POST"]
    path: str
    returns: type[T]
    params: Mapping[str, Param] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


# --- the starter ----------------------------------------------------------------------------------


def start(
    workflow: str,
    payload: bytes | None = None,
    *,
    key: str | None = None,
    instance_id: str | None = None,
    event_id: str | None = None,
) -> Call[Accepted]:
    """Start a workflow; `payload` is its input as JSON. Answers once the broker has the request."""
    params = {"key": key, "instance_id": instance_id}
    return _publish(f"/workflows/{_part(workflow)}", payload, event_id, params)


def raise_event(
    instance_id: str, event: str, payload: bytes | None = None, *, event_id: str | None = None
) -> Call[Accepted]:
    """Publish an event for an instance; `payload` is its data as JSON."""
    path = f"/instances/{_part(instance_id)}/events/{_part(event)}"
    return _publish(path, payload, event_id, {})


def publish(cloudevent: bytes, topic: str | None = None) -> Call[Accepted]:
    """Publish a CloudEvent as it is, by default on the topic that its command belongs to."""
    headers = {"content-type": CONTENT_TYPE}
    return Call("starter", "POST", "/events", Accepted, {"topic": topic}, cloudevent, headers)


def status(instance_id: str) -> Call[Status]:
    return Call("starter", "GET", f"/status/{_part(instance_id)}", Status)


# --- the orchestrator -----------------------------------------------------------------------------


def workflows() -> Call[Page[Workflow]]:
    return Call("orchestrator", "GET", "/workflows", Page[Workflow])


def instances(
    limit: int,
    status: str | None = None,
    workflow: str | None = None,
    cursor: Cursor = None,
) -> Call[Page[Instance]]:
    """List instances, in the order of their ids."""
    params = {"limit": limit, "status": status, "workflow": workflow, "cursor": cursor}
    return Call("orchestrator", "GET", "/instances", Page[Instance], params)


def instance(instance_id: str) -> Call[Instance]:
    return Call("orchestrator", "GET", f"/instances/{_part(instance_id)}", Instance)


def history(instance_id: str) -> Call[Page[HistoryEvent]]:
    path = f"/instances/{_part(instance_id)}/history"
    return Call("orchestrator", "GET", path, Page[HistoryEvent])


def waiting(limit: int, cursor: Cursor = None) -> Call[Page[Waiting]]:
    """List who waits for which event; `limit` is of instances looked at."""
    params = {"limit": limit, "cursor": cursor}
    return Call("orchestrator", "GET", "/waiting", Page[Waiting], params)


def parked(limit: int) -> Call[Page[Parked]]:
    return Call("orchestrator", "GET", "/parked", Page[Parked], {"limit": limit})


def event(source: str, event_id: str) -> Call[EventRecord]:
    params = {"source": source, "id": event_id}
    return Call("orchestrator", "GET", "/events", EventRecord, params)


def routed_event(source: str, event_id: str) -> Call[Page[EventRecord]]:
    """Ask what each route made of an event; no items if no route did."""
    params = {"source": source, "id": event_id}
    return Call("orchestrator", "GET", "/events/routed", Page[EventRecord], params)


def started_by(instance_id: str) -> Call[EventRecord]:
    """Ask for the record of the event that started an instance."""
    return Call("orchestrator", "GET", "/events", EventRecord, {"instance_id": instance_id})


def look_up_events(keys: Sequence[str]) -> Call[Accounts]:
    """Ask what the ledger has of at most 1000 events, and what is missing of each."""
    return _json("orchestrator", "/events/lookup", Accounts, Keys(keys=list(keys)))


def explain(event: bytes, topic: str | None = None) -> Call[Explanation]:
    """Ask what would become of an event, on a topic of routes or as a command. Nothing is done."""
    return Call("orchestrator", "POST", "/explain", Explanation, {"topic": topic}, event)


def routes() -> Call[Routes]:
    return Call("orchestrator", "GET", "/routes", Routes)


def apply_routes() -> Call[RouteChanges]:
    """Have the orchestrator serve the routes that the files hold now."""
    return Call("orchestrator", "POST", "/routes/apply", RouteChanges)


def doctor() -> Call[DoctorReport]:
    return Call("orchestrator", "GET", "/doctor", DoctorReport)


# --- the notifier ---------------------------------------------------------------------------------


def notices(limit: int = 100, instance_id: str | None = None) -> Call[Page[Notice]]:
    params = {"limit": limit, "instance_id": instance_id}
    return Call("notifier", "GET", "/notices", Page[Notice], params)


def dead_letters(
    limit: int = 100,
    reason: str | None = None,
    workflow: str | None = None,
    cursor: Cursor = None,
    instance_id: str | None = None,
) -> Call[Page[DeadLetter]]:
    params = {
        "limit": limit,
        "reason": reason,
        "workflow": workflow,
        "cursor": cursor,
        "instance_id": instance_id,
    }
    return Call("notifier", "GET", "/dead-letters", Page[DeadLetter], params)


def timeline(instance_id: str) -> Call[Timeline]:
    return Call("notifier", "GET", f"/timeline/{_part(instance_id)}", Timeline)


def look_up_dead_letters(ids: Sequence[str]) -> Call[Found[KeptLetter]]:
    """Ask which of at most 1000 dead letters are kept."""
    return _json("notifier", "/dead-letters/lookup", Found[KeptLetter], Ids(ids=list(ids)))


def look_up_notices(ids: Sequence[str]) -> Call[Found[KeptNotice]]:
    """Ask which of at most 1000 notices are kept."""
    return _json("notifier", "/notices/lookup", Found[KeptNotice], Ids(ids=list(ids)))


def stream(after: str | None = None) -> Call[Notice | DeadLetter]:
    """Follow notices and dead letters as they come. `after` is the id of the last one seen."""
    either = cast("type[Notice | DeadLetter]", Notice | DeadLetter)
    return Call("notifier", "GET", "/stream", either, {"after": after})


def redrive(wanted: Redrive) -> Call[RedriveProgress]:
    """Send dead letters again. The answer is a stream."""
    return _json("notifier", "/dead-letters/redrive", RedriveProgress, wanted)


# --- each -----------------------------------------------------------------------------------------


def sidecar(service: Service) -> Call[dict[str, Any]]:
    """Ask what the sidecar of orchestrator or notifier says of itself."""
    return Call(service, "GET", "/sidecar", dict[str, Any])


def _publish(
    path: str, payload: bytes | None, event_id: str | None, params: Mapping[str, Param]
) -> Call[Accepted]:
    headers = {"content-type": JSON} if payload is not None else {}
    if event_id is not None:
        headers["idempotency-key"] = event_id
    return Call("starter", "POST", path, Accepted, params, payload, headers)


def _json(service: Service, path: str, returns: type[T], body: BaseModel) -> Call[T]:
    text = body.model_dump_json(exclude_none=True).encode()
    return Call(service, "POST", path, returns, body=text, headers={"content-type": JSON})


def _part(text: str) -> str:
    """Return text as one segment of a path, escaped."""
    return quote(text, safe="")
