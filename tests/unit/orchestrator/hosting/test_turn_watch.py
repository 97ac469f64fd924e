"""Turns that do not return: named, then ended, and their late answers dropped."""

import threading
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from orchestrator.hosting.turn_watch import (
    AT_ONCE,
    BLOCKED_SECONDS,
    LOOK_SECONDS,
    MOST_LOST,
    MOST_SECONDS,
    TurnTimeout,
    TurnWatch,
)
from orchestrator.hosting.work_item import WorkItem
from orchestrator.metrics import Metrics
from orchestrator.runs.turn import may_answer, stepped
from tests.unit.test_metrics import samples

BLOCKED = int(BLOCKED_SECONDS / LOOK_SECONDS)
MOST = int(MOST_SECONDS / LOOK_SECONDS)


class Turning:
    """Turns that wait in threads of their own until they are let go."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.turns = TurnWatch(self.metrics)
        self.failed: list[Exception] = []
        self.answered: list[bool] = []
        self._go = threading.Event()
        self._threads: list[threading.Thread] = []

    def block(self, times: int = 1) -> None:
        for number in range(times):
            begun = threading.Event()
            thread = threading.Thread(target=self._turn, args=(f"i-{number}", begun), daemon=True)
            thread.start()
            assert begun.wait(10)
            self._threads.append(thread)

    def _turn(self, instance_id: str, begun: threading.Event) -> None:
        with self.turns.running(WorkItem("workflow", "", instance_id), self.failed.append):
            stepped("slow_workflow")
            begun.set()
            self._go.wait(60)
            self.answered.append(may_answer())

    def look(self, times: int) -> None:
        for _ in range(times):
            self.turns.look()

    def end(self) -> None:
        self._go.set()
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def turning() -> Turning:
    return Turning()


def test_a_turn_that_blocks_is_named_once_with_its_line(turning: Turning) -> None:
    turning.block()
    with capture_logs() as logs:
        turning.look(BLOCKED + 5)
    (said,) = logs
    assert (said["workflow"], said["instance_id"]) == ("slow_workflow", "i-0")
    assert "self._go.wait(60)" in said["at"]
    assert samples(turning.metrics.text())["usher_turns_blocked"] == 1
    turning.end()
    assert turning.answered == [True]
    turning.look(1)
    assert samples(turning.metrics.text())["usher_turns_blocked"] == 0


def test_a_turn_that_does_not_return_is_failed_and_its_late_answer_dropped(
    turning: Turning,
) -> None:
    turning.block()
    turning.look(MOST - 1)
    assert turning.failed == []
    turning.look(5)
    (error,) = turning.failed
    assert isinstance(error, TurnTimeout)
    assert "slow_workflow came to no yield within 30 s" in str(error)
    turning.end()
    assert turning.answered == [False]


def test_where_all_that_run_block_they_are_failed_at_once(turning: Turning) -> None:
    turning.block(AT_ONCE - 1)
    turning.look(BLOCKED)
    assert turning.failed == []
    turning.block()
    turning.look(BLOCKED)
    assert len(turning.failed) == AT_ONCE
    turning.end()


def test_a_turn_that_steps_on_is_not_blocked(turning: Turning) -> None:
    with turning.turns.running(WorkItem("workflow", "", "i-1"), turning.failed.append):
        for _ in range(10):
            turning.look(BLOCKED - 1)
            stepped("long_workflow")
        assert may_answer()
    assert turning.failed == []


def test_the_process_is_to_be_replaced_once_most_threads_are_lost(turning: Turning) -> None:
    for _ in range(MOST_LOST // AT_ONCE):
        assert turning.turns.ended is None
        turning.block(AT_ONCE)
        turning.look(BLOCKED)
    assert turning.turns.ended == f"{MOST_LOST} turns have not returned"
    turning.end()
    assert turning.turns.ended is None


def test_what_a_turn_raises_ends_its_count(turning: Turning) -> None:
    with suppress(ZeroDivisionError), turning.turns.running(WorkItem("workflow", "", "i"), print):
        raise ZeroDivisionError
    turning.look(MOST)
    assert turning.failed == []
