"""Answers of the services, whole, for tests that change what matters to them."""

from typing import Any

from contracts.records import DeadLetter, Notice

SEEN = "2030-01-01T08:00:00Z"

INSTANCE: dict[str, Any] = {
    "instance_id": "i-1",
    "workflow": "w",
    "status": "RUNNING",
    "created_at": SEEN,
    "updated_at": SEEN,
    "input": None,
    "output": None,
    "custom_status": None,
    "error": None,
    "event_id": "e-1",
    "stalled": None,
}
RECORD: dict[str, Any] = {
    "disposition": "started",
    "instance_id": "i-1",
    "duplicates": 0,
    "digest": None,
    "others": 0,
    "at": SEEN,
}
WAIT: dict[str, Any] = {
    "instance_id": "i-2",
    "workflow": "w",
    "status": "RUNNING",
    "event": "approval",
    "since": SEEN,
    "until": None,
}
PARKED: dict[str, Any] = {
    "instance_id": "i-2",
    "event": "approval",
    "data": None,
    "id": "e",
    "source": "/s",
    "parked_at": SEEN,
    "until": None,
    "why": None,
}
ROUTES: dict[str, Any] = {
    "items": [
        {
            "name": "w/start",
            "declared": "routes.yaml:1",
            "channel": "orders",
            "verb": "start",
            "workflow": "w",
            "since": None,
            "paused": False,
            "spec": {"from": "orders", "type": "placed", "start": "w"},
            "matched": 1234,
            "refused": 0,
            "last_matched": SEEN,
        }
    ],
    "unrouted_total": 21,
    "unrouted": [
        {
            "channel": "orders",
            "id": "e-1",
            "source": "/shop",
            "type": "returned",
            "at": SEEN,
            "why": {"w/start": "type: it looks for placed"},
        }
    ],
}
WORKFLOW: dict[str, Any] = {
    "name": "hello_workflow",
    "description": "Greet.",
    "input_schema": {"type": "object", "properties": {"name": {"type": "string"}}},
    "example": {"name": "Ada"},
    "announce": True,
}
NOTICE: dict[str, Any] = {
    "instance_id": "i-1",
    "workflow": "hello_workflow",
    "outcome": "COMPLETED",
    "output": None,
    "error": None,
    "custom_status": None,
    "started_at": SEEN,
    "finished_at": SEEN,
    "duration_s": 0.2,
    "id": "n-1",
    "seen_at": SEEN,
}
LETTER: dict[str, Any] = {
    "id": "l-1",
    "reason": "unknown_instance",
    "field": "instance_id",
    "message": "no instance has the id 'i-2'",
    "topic": "workflow-events",
    "attempts": 1,
    "first_seen": SEEN,
    "last_seen": SEEN,
    "redriven_at": None,
    "event": {"id": "e", "source": "/s", "data": {"instance_id": "i-2", "event": "approval"}},
}


def notice(**changes: Any) -> Notice:
    return Notice.model_validate({**NOTICE, **changes})


def dead_letter(**changes: Any) -> DeadLetter:
    return DeadLetter.model_validate({**LETTER, **changes})
