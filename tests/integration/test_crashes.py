"""The orchestrator dies between every two steps of its protocols: once each, and all is well.

Each test arms one step (tests/support/workflows/crash_points.py), publishes, and waits for the
outcome that would have been without the crash.
"""

from pathlib import Path

import pytest

from tests.integration.test_promises import _done, _outcome, _settled, _start, _tick
from tests.support.driver import Driver, eventually, fresh

COMES_BACK = 90
"""A reclaim by the broker (10 s and a sweep), a lease (12 s), a restart, on a busy machine."""


def _came_to(crash: Path, step: str) -> None:
    eventually(lambda: (crash / step).exists(), lambda armed: not armed, 30)


START_STEPS = [
    "before-Ledger.create",
    "after-Ledger.create",
    "after-Ledger.take",
    "before-Engine.schedule",
    "after-Engine.schedule",
    "after-Parking.drain",
    "after-Ledger.settle",
]
ANNOUNCE_STEPS = ["before-Outbox.completed", "after-Outbox.completed", "after-Ledger.end"]


@pytest.mark.parametrize("step", START_STEPS + ANNOUNCE_STEPS)
def test_p1_and_p6_hold_when_the_orchestrator_dies_at_a_step_of_a_start(
    usher: Driver, crash: Path, tmp_path: Path, step: str
) -> None:
    event_id, instance, file = fresh("event"), fresh("count"), tmp_path / "tally"
    (crash / step).touch()
    _start(usher, event_id, instance, file=str(file))
    _came_to(crash, step)
    notice = usher.notice(instance, COMES_BACK)
    assert notice["outcome"] == "COMPLETED"
    final = eventually(
        lambda: _outcome(usher, event_id),
        lambda seen: seen is not None and seen["disposition"] == "started",
        COMES_BACK,
    )
    assert final is not None
    assert final["instance_id"] == instance
    assert _done(file) == ["started"]
    assert len(usher.notices(instance)) == 1


@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
def test_p6_holds_where_the_last_turn_could_not_tell(
    usher: Driver, crash: Path, tmp_path: Path, dies: bool
) -> None:
    instance, file = fresh("count"), tmp_path / "tally"
    # What an earlier test's death left to announce goes by the same step, and is not refused.
    (crash / "refused-Outbox.completed").write_text(instance)
    if dies:
        (crash / "after-Outbox.completed").write_text(instance)
    _start(usher, fresh("event"), instance, file=str(file))
    _came_to(crash, "refused-Outbox.completed")
    assert usher.notice(instance, COMES_BACK)["outcome"] == "COMPLETED"
    eventually(lambda: usher.status(instance), lambda status: status == "COMPLETED", COMES_BACK)
    events = usher.get("orchestrator", f"/instances/{instance}/history")["items"]
    asked = [one["name"] for one in events if one["type"] == "TASK_SCHEDULED"]
    assert asked == ["tally_activity", "announce_completion"]
    assert _done(file) == ["started"]
    assert len(usher.notices(instance)) == 1


EVENT_STEPS = ["before-Engine.raise_event", "after-Engine.raise_event", "after-Ledger.settle"]


@pytest.mark.parametrize("step", EVENT_STEPS)
def test_p5_holds_when_the_orchestrator_dies_at_a_step_of_a_delivery(
    usher: Driver, crash: Path, tmp_path: Path, step: str
) -> None:
    instance, file = fresh("count"), tmp_path / "tally"
    _start(usher, fresh("event"), instance, file=str(file), events=2, seconds=120)
    usher.running(instance)
    eventually(lambda: _done(file), lambda done: done == ["started"])
    (crash / step).touch()
    first = _tick(usher, instance, "a")
    _came_to(crash, step)
    _settled(usher, first, COMES_BACK)
    _tick(usher, instance, "b")
    assert usher.notice(instance, COMES_BACK)["output"] == ["a", "b"]
    assert _done(file) == ["started", "tick:a", "tick:b"]


PARK_STEPS = ["after-Ledger.reenter", "after-Store.replace", "after-Engine.schedule_at"]


@pytest.mark.parametrize("step", PARK_STEPS)
def test_p3_holds_when_the_orchestrator_dies_at_a_step_of_parking(
    usher: Driver, crash: Path, tmp_path: Path, step: str
) -> None:
    instance, file = fresh("count"), tmp_path / "tally"
    first = _tick(usher, instance, "a")
    _settled(usher, first)
    (crash / step).touch()
    second = _tick(usher, instance, "b")
    _came_to(crash, step)
    assert _settled(usher, second, COMES_BACK)["disposition"] == "parked"
    _start(usher, fresh("event"), instance, file=str(file), events=2, seconds=120)
    assert usher.notice(instance, COMES_BACK)["output"] == ["a", "b"]


@pytest.mark.parametrize("step", ["after-Engine.raise_event", "before-Store.replace"])
def test_p3_holds_when_the_orchestrator_dies_while_it_hands_over(
    usher: Driver, crash: Path, tmp_path: Path, step: str
) -> None:
    instance, file = fresh("count"), tmp_path / "tally"
    for data in ("a", "b"):
        _settled(usher, _tick(usher, instance, data))
    (crash / step).touch()
    _start(usher, fresh("event"), instance, file=str(file), events=2, seconds=120)
    _came_to(crash, step)
    assert usher.notice(instance, COMES_BACK)["output"] == ["a", "b"]
    assert _done(file) == ["started", "tick:a", "tick:b"]


def test_p3_an_expiry_survives_a_crash(usher: Driver, crash: Path) -> None:
    event_id = _tick(usher, fresh("nobody"), 1, ttl_seconds=3)
    _settled(usher, event_id)
    (crash / "after-Outbox.dead_letter").touch()
    _came_to(crash, "after-Outbox.dead_letter")
    eventually(
        lambda: _outcome(usher, event_id),
        lambda seen: seen is not None and seen["disposition"] == "expired",
        COMES_BACK,
    )
    letter = usher.dead_letter(event_id)
    assert (letter["reason"], letter["attempts"]) == ("expired", 1)


@pytest.mark.parametrize("step", ["after-Engine.terminate", "after-Outbox.completed"])
def test_p6_holds_when_the_orchestrator_dies_while_it_terminates(
    usher: Driver, crash: Path, tmp_path: Path, step: str
) -> None:
    instance = fresh("count")
    _start(usher, fresh("event"), instance, file=str(tmp_path / "t"), events=1, seconds=300)
    usher.running(instance)
    (crash / step).touch()
    usher.publish("workflow-events", {"instance_id": instance, "control": "terminate"})
    _came_to(crash, step)
    assert usher.notice(instance, COMES_BACK)["outcome"] == "TERMINATED"
    eventually(lambda: usher.pending("workflow-events"), lambda n: n == 0, COMES_BACK)
    assert len(usher.notices(instance)) == 1


def test_p8_a_refusal_survives_a_crash(usher: Driver, crash: Path) -> None:
    event_id = fresh("event")
    (crash / "after-Outbox.dead_letter").touch()
    usher.cloudevent("workflow-requests", event_id, {"workflow": "no_such_workflow"})
    _came_to(crash, "after-Outbox.dead_letter")
    eventually(
        lambda: _outcome(usher, event_id),
        lambda seen: seen is not None and seen["disposition"] == "dead_lettered",
        COMES_BACK,
    )
    assert usher.dead_letter(event_id)["attempts"] == 1
