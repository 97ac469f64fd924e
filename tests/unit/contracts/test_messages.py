"""Messages: frozen, strict about what they carry, tolerant of what they do not know."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.commands import StartWorkflow
from contracts.events import EventDeadLettered, Reason, WorkflowCompleted
from contracts.topics import Topic

COMPLETED: dict[str, Any] = {
    "instance_id": "i-1",
    "workflow": "hello_workflow",
    "outcome": "COMPLETED",
    "output": {"final_greeting": "Hello, Ada!"},
    "error": None,
    "custom_status": None,
    "started_at": "2030-01-01T00:00:00Z",
    "finished_at": "2030-01-01T00:00:02Z",
    "duration_s": 2.0,
}


def test_a_notice_is_read_from_json_and_written_as_it_was() -> None:
    notice = WorkflowCompleted.model_validate(COMPLETED)
    assert notice.model_dump(mode="json") == COMPLETED
    assert notice.started_at == datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "SUSPENDED"},
        {"started_at": "2030-01-01T00:00:00"},
        {"duration_s": -1},
        {"error": {"message": "of no type"}},
    ],
)
def test_a_notice_that_says_something_impossible_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WorkflowCompleted.model_validate({**COMPLETED, **wrong})


def test_a_newer_sender_may_say_more() -> None:
    newer = {**COMPLETED, "cost": 3}
    assert WorkflowCompleted.model_validate(newer) == WorkflowCompleted.model_validate(COMPLETED)


def test_a_message_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        StartWorkflow(workflow="a").workflow = "b"  # type: ignore[misc]


def test_a_dead_letter_keeps_what_an_event_brought_beyond_its_own_fields() -> None:
    event = {"id": "e-1", "sequence": "7", "data": {"workflow": 7}}
    letter = EventDeadLettered.model_validate(
        {"reason": "invalid_request", "message": "m", "topic": Topic.REQUESTS, "event": event}
    )
    assert letter.model_dump(mode="json", exclude_unset=True)["event"] == event


def test_the_reasons_are_the_ones_that_are_documented() -> None:
    assert set(Reason) == {
        "invalid_json",
        "invalid_event",
        "invalid_request",
        "invalid_instance_id",
        "unknown_workflow",
        "invalid_input",
        "instance_exists",
        "identity_reused",
        "unknown_instance",
        "expired",
        "instance_finished",
        "instance_stalled",
        "route_condition",
        "no_key",
        "cancelled_early",
        "unrouted",
        "loop",
        "oversize",
        "handler_error",
        "undeliverable",
    }


def test_the_topics_are_named_as_the_world_knows_them() -> None:
    assert list(Topic) == [
        "workflow-requests",
        "workflow-events",
        "workflow-completions",
        "workflow-dead-letters",
    ]
