"""From an engine's history to steps, and from steps to places in a picture."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.http import EventRecord, HistoryEvent, Instance
from contracts.records import Notice
from notifier.page.picture import ROWS, draw, listed
from notifier.timeline.chain import Step, chain, run_seconds
from tests.support.answers import INSTANCE, RECORD
from tests.support.answers import notice as a_notice

NOW = datetime(2030, 1, 1, 8, tzinfo=UTC)


def run(status: str = "COMPLETED", **more: Any) -> Instance:
    return Instance.model_validate({**INSTANCE, "status": status, **more})


def request(**more: Any) -> EventRecord:
    return EventRecord.model_validate({**RECORD, "at": at(0), **more})


def at(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


def event(seconds: float, kind: str, **more: Any) -> HistoryEvent:
    empty = dict.fromkeys(("name", "task_scheduled_id", "error", "purpose", "until"))
    found = {"event_id": -1, "timestamp": at(seconds), "type": kind, **empty, **more}
    return HistoryEvent.model_validate(found)


def wait(seconds: float, event_id: int, name: str) -> HistoryEvent:
    until = at(seconds + 60)
    said = {"event_id": event_id, "name": name, "purpose": "event", "until": until}
    return event(seconds, "TIMER_CREATED", **said)


def told(history: list[HistoryEvent], **instance: Any) -> list[tuple[str, str, str, float | None]]:
    steps = chain(run(**instance), history, None, None)
    return [(step.kind, step.name, step.state, step.seconds) for step in steps]


def test_the_whole_chain_from_request_to_notice() -> None:
    history = [
        event(1, "WORKFLOW_STARTED"),
        event(1, "EXECUTION_STARTED", name="hello_workflow"),
        event(2, "TASK_SCHEDULED", event_id=1, name="hello_activity"),
        event(4, "TASK_COMPLETED", task_scheduled_id=1),
        event(5, "TASK_SCHEDULED", event_id=2, name="announce_completion"),
        event(6, "TASK_COMPLETED", task_scheduled_id=2),
        event(7, "EXECUTION_COMPLETED"),
    ]
    steps = chain(run(), history, request(duplicates=1), notice(6, 8))
    assert [(step.kind, step.name, step.seconds) for step in steps] == [
        ("request", "", 0),
        ("decision", "started", 1),
        ("start", "hello_workflow", 0),
        ("activity", "hello_activity", 2),
        ("announcement", "", 1),
        ("completion", "COMPLETED", 0),
        ("notified", "COMPLETED", 2),
    ]
    assert steps[0].note == "event e-1, came 2 times"


def test_a_purged_instance_still_has_its_request_and_its_notice() -> None:
    steps = chain(None, [], request(), notice(6, 8))
    assert [step.kind for step in steps] == ["request", "decision", "notified"]
    assert chain(None, [], None, None) == []


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([wait(0, 1, "a")], [("wait", "a", "waiting", None)]),
        ([wait(0, 1, "a"), event(3, "EVENT_RAISED", name="A")], [("wait", "a", "event came", 3)]),
        (
            [wait(0, 1, "a"), event(60, "TIMER_FIRED", task_scheduled_id=1)],
            [("wait", "a", "timed out", 60)],
        ),
        ([event(0, "EVENT_RAISED", name="a")], [("event", "a", "done", 0)]),
        (
            [event(0, "TIMER_CREATED", event_id=1, purpose="retry", until=at(2))],
            [("pause", "before the next attempt", "waiting", None)],
        ),
        (
            [
                event(0, "CHILD_WORKFLOW_INSTANCE_CREATED", event_id=1, name="child"),
                event(2, "CHILD_WORKFLOW_INSTANCE_FAILED", task_scheduled_id=1),
            ],
            [("child workflow", "child", "failed", 2)],
        ),
        (
            [event(0, "EXECUTION_SUSPENDED"), event(5, "EXECUTION_RESUMED")],
            [("suspended", "", "done", 5)],
        ),
        ([event(0, "TASK_COMPLETED", task_scheduled_id=9)], []),
    ],
)
def test_each_kind_of_step(history: list[HistoryEvent], expected: list[Any]) -> None:
    assert told(history, status="RUNNING") == expected


def test_what_was_open_when_the_run_ended_was_given_up() -> None:
    history = [wait(0, 1, "a"), event(4, "EXECUTION_TERMINATED")]
    assert told(history, status="TERMINATED") == [
        ("wait", "a", "given up", 4),
        ("completion", "TERMINATED", "done", 0),
    ]


def step(begin: float, end: float | None, name: str = "x") -> Step:
    ended = None if end is None else NOW + timedelta(seconds=end)
    return Step("activity", name, NOW + timedelta(seconds=begin), ended, "done")


def test_steps_are_placed_by_time() -> None:
    picture = draw([step(0, 1), step(1, 4), step(4, 4)], NOW)
    assert picture
    assert not picture.shortened
    places = [(bar.x, bar.width) for row in picture.rows for bar in row.bars]
    assert places[:2] == [(0, 25), (25, 75)]
    x, width = places[2]
    assert x + width == pytest.approx(100), "a moment at the end is still inside"


def test_beside_a_long_pause_the_work_can_still_be_seen() -> None:
    picture = draw([step(0, 0.01), step(0.01, 3600), step(3600, 3600.01)], NOW)
    assert picture
    assert picture.shortened
    first, pause, last = [row.bars[0] for row in picture.rows]
    assert first.width > 1
    assert first.x < pause.x < last.x
    assert pause.width > 10 * first.width


def test_a_step_that_goes_on_reaches_to_now() -> None:
    picture = draw([step(0, 1), step(1, None)], NOW + timedelta(seconds=10))
    assert picture
    assert picture.end == NOW + timedelta(seconds=10)
    assert picture.rows[1].bars[0].width == 90
    assert picture.rows[1].seconds is None
    assert draw([], NOW) is None


def test_many_steps_of_one_name_share_a_row() -> None:
    steps = [step(n, n + 1, f"name-{n % 2}") for n in range(ROWS + 2)]
    picture = draw(steps, NOW)
    assert picture
    assert [(row.name, len(row.bars), row.seconds) for row in picture.rows] == [
        ("name-0", 21, 21),
        ("name-1", 21, 21),
    ]


def test_trouble_is_told_in_words() -> None:
    failed = step(0, 1)
    failed.state = "failed"
    picture = draw([failed, step(1, 2)], NOW)
    assert picture
    assert [row.trouble for row in picture.rows] == ["failed", ""]


def notice(finished: float, seen: float, started: float = 0) -> Notice:
    times = {"started_at": at(started), "finished_at": at(finished), "seen_at": at(seen)}
    return a_notice(**times, duration_s=finished - started)


def test_the_notice_comes_after_the_completion_that_it_tells_of() -> None:
    """The last turn publishes before the engine writes the end down."""
    history = [
        event(0, "EXECUTION_STARTED", name="w"),
        event(1, "TASK_SCHEDULED", event_id=1, name="a"),
        event(2, "TASK_COMPLETED", task_scheduled_id=1),
        event(4, "EXECUTION_COMPLETED"),
    ]
    steps = chain(run(), history, None, notice(finished=2.5, seen=3))
    assert [step.kind for step in steps][-2:] == ["completion", "notified"]
    completion, notified = steps[-2:]
    assert completion.begin <= notified.begin <= (notified.end or NOW)
    assert (completion.begin - NOW).total_seconds() == 2.5
    assert run_seconds(steps, notice(finished=2.5, seen=3), NOW) == 2.5
    assert run_seconds(steps[:2], None, NOW + timedelta(seconds=9)) == 9


def test_a_termination_is_one_completion_with_its_reason() -> None:
    history = [
        event(0, "EXECUTION_STARTED", name="w"),
        wait(1, 1, "a"),
        event(4, "EXECUTION_TERMINATED"),
        event(5, "EXECUTION_COMPLETED"),
    ]
    steps = chain(run("TERMINATED", output="not wanted"), history, None, None)
    assert [(step.kind, step.name) for step in steps] == [
        ("start", "w"),
        ("wait", "a"),
        ("completion", "TERMINATED"),
    ]
    assert steps[-1].note == "reason: not wanted"


def test_no_step_ends_before_it_begins() -> None:
    """An event may come before the turn that waits for it is written down; clocks differ."""
    history = [
        wait(1, 1, "a"),
        event(0.5, "EVENT_RAISED", name="a"),
        event(2, "TASK_SCHEDULED", event_id=2, name="b"),
        event(1.9, "TASK_FAILED", task_scheduled_id=2),
        event(3, "EXECUTION_SUSPENDED"),
        event(2.9, "EXECUTION_RESUMED"),
        event(4, "TASK_SCHEDULED", event_id=3, name="c"),
        event(3.5, "EXECUTION_COMPLETED"),
    ]
    steps = chain(run(), history, None, notice(finished=3.4, seen=3.3))
    assert min(step.seconds or 0 for step in steps) == 0


def test_a_run_that_continued_as_new_says_that_steps_are_missing() -> None:
    history = [event(5, "EXECUTION_STARTED", name="w"), event(6, "EXECUTION_COMPLETED")]
    told_of = notice(finished=6, seen=7)
    steps = chain(run(), history, None, told_of)
    assert "continued as new" in steps[0].note
    assert run_seconds(steps, told_of, NOW) == 6
    assert chain(run(), history, None, notice(6, 7, started=5))[0].note == ""


@pytest.mark.parametrize(("status", "end"), [("STALLED", None), ("RUNNING", 0)])
def test_a_stall_is_one_step_until_the_run_goes_on(status: str, end: float | None) -> None:
    error = {"type": "PATCH_MISMATCH", "message": "no such patch"}
    history = [event(n, "EXECUTION_STALLED", error=error) for n in (1, 2)]
    (stall,) = chain(run(status), history, None, None)
    assert (stall.seconds, stall.note) == (end, "PATCH_MISMATCH: no such patch")


def test_of_many_side_by_side_the_one_that_failed_is_counted_and_listed() -> None:
    steps = [step(0, 2 + n / 100) for n in range(300)]
    steps[207].state, steps[207].note = "failed", "ValueError: no 207"
    picture = draw(steps, NOW)
    assert picture
    (row,) = picture.rows
    assert row.trouble == "1 failed"
    assert row.seconds == pytest.approx(4.99)
    assert row.bars[-1].step is steps[207], "drawn over the others"
    assert listed(steps, 100) == [*steps[:100], steps[207]]
    assert listed(steps[:50], 100) == steps[:50]


def test_what_went_wrong_in_a_row_is_counted_by_kind() -> None:
    steps = [step(n, n + 1) for n in range(ROWS + 2)]
    for number, state in enumerate(("failed", "failed", "timed out")):
        steps[number].state = state
    picture = draw(steps, NOW)
    assert picture
    assert [row.trouble for row in picture.rows] == ["2 failed, 1 timed out"]
    assert picture.rows[0].seconds == ROWS + 2
