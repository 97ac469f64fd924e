"""Events reach the workflows that wait for them: in any order, against a timer, before the wait."""

import pytest

from tests.support.driver import Driver, eventually, fresh
from tests.support.recorded import assert_replays


@pytest.mark.parametrize("order", [("documents", "payment"), ("payment", "documents")])
def test_several_events_may_come_in_any_order(usher: Driver, order: tuple[str, str]) -> None:
    instance = fresh("any-order")
    usher.request("events_in_any_order_workflow", instance_id=instance)
    usher.running(instance)

    for event in order:
        usher.event(instance, event, {"about": event})

    notice = usher.notice(instance)
    assert notice["outcome"] == "COMPLETED"
    assert notice["output"] == {
        "received": {
            "documents": {"about": "documents"},
            "payment": {"about": "payment"},
        },
        "missing": [],
    }
    assert_replays(usher, instance)


def test_an_event_that_does_not_come_in_time_is_named(usher: Driver) -> None:
    instance = fresh("any-order")
    usher.request(
        "events_in_any_order_workflow", instance_id=instance, input={"deadline_seconds": 2}
    )
    usher.running(instance)
    usher.event(instance, "payment", 12)
    assert usher.notice(instance)["output"] == {
        "received": {"payment": 12},
        "missing": ["documents"],
    }
    assert_replays(usher, instance)


def test_an_answer_that_comes_after_a_reminder_is_not_swallowed(usher: Driver) -> None:
    instance = fresh("answer")
    given = {"reminders": 20, "every_seconds": 1}
    usher.request("event_or_timer_workflow", instance_id=instance, input=given)
    eventually(
        lambda: (
            str(usher.get("starter", f"/status/{instance}")["custom_status"])
            if usher.status(instance)
            else ""
        ),
        lambda status: "1 reminders" in status,
    )

    usher.event(instance, "answer", "yes")

    output = usher.notice(instance)["output"]
    assert output["answer"] == "yes"
    assert 1 <= output["reminders"] <= 5
    assert_replays(usher, instance)


def test_nobody_answers_and_the_reminders_run_out(usher: Driver) -> None:
    instance = fresh("answer")
    given = {"reminders": 1, "every_seconds": 0.5}
    usher.request("event_or_timer_workflow", instance_id=instance, input=given)
    assert usher.notice(instance)["output"] == {"answer": None, "reminders": 1}
    assert_replays(usher, instance)


def test_events_that_come_before_the_wait_are_kept(usher: Driver) -> None:
    instance = fresh("buffered")
    usher.request("buffered_events_workflow", instance_id=instance, input={"busy_seconds": 3})
    usher.running(instance)

    for note in (1, 2):
        usher.event(instance, "note", note)
        eventually(lambda: usher.pending("workflow-events"), lambda pending: pending == 0)
    assert usher.get("starter", f"/status/{instance}")["custom_status"] == "busy"

    notice = usher.notice(instance)
    assert notice["output"] == {"notes": [1, 2], "complete": True}
    assert_replays(usher, instance)


def test_fewer_events_than_wanted_are_returned_at_the_deadline(usher: Driver) -> None:
    instance = fresh("buffered")
    given = {"busy_seconds": 2, "count": 3, "deadline_seconds": 1}
    usher.request("buffered_events_workflow", instance_id=instance, input=given)
    usher.running(instance)
    usher.event(instance, "note", "only one")
    assert usher.notice(instance)["output"] == {"notes": ["only one"], "complete": False}
    assert_replays(usher, instance)
