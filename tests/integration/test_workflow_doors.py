"""Every workflow comes out the same by each door: published on the topic, or posted to starter."""

from typing import Any

import pytest

from tests.support.driver import Driver, fresh

COMPLETED: dict[str, tuple[Any, Any]] = {
    "hello_workflow": ("Ada", {"final_greeting": "Hello, Ada!"}),
    "approval_workflow": (
        {"subject": "a lamp", "deadline_seconds": 1},
        {"decision": "timed_out", "subject": "a lamp"},
    ),
    "retry_workflow": ({"failures": 1}, {"flaky_result": "attempt 2 worked", "attempts": 2}),
    "parent_workflow": (
        "Ada",
        {
            "parent_result": "the parent is done for Ada",
            "child_result": "the child is done for Ada",
        },
    ),
    "error_handling_workflow": (
        "t1",
        {"status": "HANDLED_FAILURE", "compensation": "undid t1", "original_input": "t1"},
    ),
    "monitor_workflow": (
        {"ready_after": 2, "interval_seconds": 0.2},
        {"job": "a backup", "status": "ready", "polls": 2},
    ),
    "fan_out_workflow": ({"items": ["2", "3"]}, {"results": {"2": 4, "3": 9}, "failed": {}}),
    "events_in_any_order_workflow": (
        {"deadline_seconds": 1},
        {"received": {}, "missing": ["documents", "payment"]},
    ),
    "event_or_timer_workflow": (
        {"reminders": 0, "every_seconds": 1},
        {"answer": None, "reminders": 0},
    ),
    "buffered_events_workflow": (
        {"busy_seconds": 0, "deadline_seconds": 1},
        {"notes": [], "complete": False},
    ),
    "versioned_workflow": ({"price": 50, "deadline_seconds": 1}, {"price": 45, "paid": False}),
}
"""What takes no event, or one that nobody sends: its input and its output."""


def by_topic(usher: Driver, workflow: str, given: Any) -> str:
    instance = fresh(workflow)
    usher.request(workflow, input=given, instance_id=instance)
    return instance


def by_starter(usher: Driver, workflow: str, given: Any) -> str:
    return str(usher.post(f"/workflows/{workflow}", json=given).json()["instance_id"])


@pytest.mark.parametrize("door", [by_topic, by_starter])
def test_every_workflow_comes_out_the_same_by_each_door(usher: Driver, door: Any) -> None:
    started = {name: door(usher, name, given) for name, (given, _) in COMPLETED.items()}
    ended = {name: usher.notice(instance) for name, instance in started.items()}
    assert {name: notice["outcome"] for name, notice in ended.items()} == dict.fromkeys(
        COMPLETED, "COMPLETED"
    )
    assert {name: notice["output"] for name, notice in ended.items()} == {
        name: output for name, (_, output) in COMPLETED.items()
    }
