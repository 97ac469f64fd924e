"""The engine's history as we read it, and who waits according to it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from dapr.ext.workflow import WorkflowStatus
from dapr.ext.workflow._durabletask.internal import protos as pb

from contracts.http import HistoryEvent
from orchestrator.api import instances
from orchestrator.engine.client import Engine
from orchestrator.engine.history import open_waits, read_event
from orchestrator.ledger.known_endings import PAGE, KnownEndings
from orchestrator.ledger.ledger import Ledger

NOW = datetime(2030, 1, 1, 8, tzinfo=UTC)
NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""What the SDK writes for a wait without a timeout."""


def event(event_id: int = -1, **said: Any) -> HistoryEvent:
    written = pb.HistoryEvent(eventId=event_id, **said)
    written.timestamp.FromDatetime(NOW)
    return read_event(written)


def timer(event_id: int, due: datetime, **origin: Any) -> HistoryEvent:
    created = pb.TimerCreatedEvent(**origin)
    created.fireAt.FromDatetime(due)
    return event(event_id, timerCreated=created)


def wait(event_id: int, name: str, seconds: float | None = 60) -> HistoryEvent:
    due = NEVER if seconds is None else NOW + timedelta(seconds=seconds)
    return timer(event_id, due, externalEvent=pb.TimerOriginExternalEvent(name=name))


def raised(name: str) -> HistoryEvent:
    return event(eventRaised=pb.EventRaisedEvent(name=name))


def fired(timer_id: int) -> HistoryEvent:
    return event(timerFired=pb.TimerFiredEvent(timerId=timer_id))


def test_an_activity_and_its_failure() -> None:
    scheduled = event(1, taskScheduled=pb.TaskScheduledEvent(name="shout"))
    assert scheduled.model_dump(mode="json") == {
        "event_id": 1,
        "timestamp": "2030-01-01T08:00:00Z",
        "type": "TASK_SCHEDULED",
        "name": "shout",
        "task_scheduled_id": None,
        "error": None,
        "purpose": None,
        "until": None,
        "child": None,
    }
    why = pb.TaskFailureDetails(errorType="RuntimeError", errorMessage="out of paper")
    failed = event(taskFailed=pb.TaskFailedEvent(taskScheduledId=1, failureDetails=why))
    assert (failed.type, failed.task_scheduled_id) == ("TASK_FAILED", 1)
    assert failed.error
    assert failed.error.message == "out of paper"


def test_a_timer_says_what_it_is_for_and_until_when() -> None:
    waits = wait(2, "approval")
    assert (waits.name, waits.purpose) == ("approval", "event")
    assert waits.until == NOW + timedelta(seconds=60)
    assert wait(2, "approval", None).until is None
    assert timer(3, NOW, activityRetry=pb.TimerOriginActivityRetry()).purpose == "retry"
    assert fired(3).task_scheduled_id == 3


@pytest.mark.parametrize(
    ("history", "left"),
    [
        ([], []),
        ([wait(1, "a")], ["a"]),
        ([wait(1, "a"), raised("A")], []),
        ([wait(1, "a"), fired(1)], []),
        ([wait(1, "a"), wait(2, "b"), raised("b")], ["a"]),
        ([raised("a"), wait(1, "a")], ["a"]),
        ([wait(1, "a"), fired(1), wait(2, "a", None)], ["a"]),
        ([wait(1, "a"), raised("other")], ["a"]),
        ([timer(1, NOW, createTimer=pb.TimerOriginCreateTimer())], []),
    ],
)
def test_a_wait_is_open_until_its_event_or_its_deadline(
    history: list[HistoryEvent], left: list[str]
) -> None:
    assert [one.event for one in open_waits(history)] == left


def test_an_event_goes_to_the_first_in_line() -> None:
    (left,) = open_waits([wait(1, "a", 10), wait(2, "a", 20), raised("a")])
    assert left.until == NOW + timedelta(seconds=20)


class Runs:
    """Instances of the engine; those named `done-…` have ended, the others wait for `approval`."""

    def __init__(self, *ids: str) -> None:
        self._ids = list(ids)
        self.looked_at: list[str] = []
        self.asked_of: list[str] = []
        self.endings = KnownEndings(cast(Ledger, self))

    async def all_ids(self) -> list[str]:
        return self._ids

    async def not_ended(self, ids: list[str]) -> list[str]:
        self.asked_of += ids
        return [one for one in ids if not one.startswith("told")]

    async def state(self, instance_id: str) -> Any:
        self.looked_at.append(instance_id)
        done = instance_id.startswith("done")
        status = WorkflowStatus.COMPLETED if done else WorkflowStatus.RUNNING
        return SimpleNamespace(name="approval_workflow", runtime_status=status)

    async def history(self, _: str) -> list[HistoryEvent]:
        return [wait(1, "approval")]


async def page(runs: Runs, limit: int, cursor: str | None = None) -> tuple[list[str], Any]:
    found = await instances.waits(cast(Engine, runs), runs.endings, limit, cursor)
    return [item.instance_id for item in found.items], found.next


async def test_who_waits_is_told_a_page_of_instances_at_a_time() -> None:
    runs = Runs("c", "a", "done-1", "told-1", f"usher_expire-{24 * 'a'}-1", "b")
    assert await page(runs, 2) == (["a", "b"], "b")
    assert await page(runs, 2, "b") == (["c"], None)
    assert "told-1" not in runs.looked_at
    assert "usher_expire-k-1" not in runs.looked_at


async def test_of_many_that_wait_no_more_than_a_page_is_read_and_an_ending_only_once() -> None:
    runs = Runs(*(f"told-{number}" for number in range(300)), *(f"w-{n}" for n in range(900)))
    for _ in range(2):
        items, following = await page(runs, 10)
        assert (len(items), following) == (10, items[-1])
    assert len([one for one in runs.asked_of if one.startswith("told")]) == 300
    assert len([one for one in runs.asked_of if one.startswith("w")]) < 2 * PAGE


async def test_a_wait_is_told_with_its_times() -> None:
    runs = Runs("a")
    found = await instances.waits(cast(Engine, runs), runs.endings, 10, None)
    assert found.model_dump(mode="json")["items"] == [
        {
            "instance_id": "a",
            "workflow": "approval_workflow",
            "status": "RUNNING",
            "event": "approval",
            "since": "2030-01-01T08:00:00Z",
            "until": "2030-01-01T08:01:00Z",
        }
    ]
