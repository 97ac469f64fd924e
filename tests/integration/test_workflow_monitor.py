"""A monitor goes on as new each round on the real runtime, and announces its real end alone."""

from typing import Any

import pytest

from tests.support.driver import Driver, eventually, fresh
from tests.support.recorded import assert_replays


@pytest.mark.parametrize(
    ("given", "status", "polls"),
    [({"ready_after": 3}, "ready", 3), ({"ready_after": 9, "max_polls": 2}, "gave_up", 2)],
)
def test_a_monitor_ends_on_its_condition_or_its_limit_with_one_notice(
    usher: Driver, given: dict[str, Any], status: str, polls: int
) -> None:
    instance = fresh("monitor")
    watch = {"job": "a test", "interval_seconds": 0.5, **given}
    usher.request("monitor_workflow", instance_id=instance, input=watch)

    notice = usher.notice(instance)

    assert notice["outcome"] == "COMPLETED"
    assert notice["output"] == {"job": "a test", "status": status, "polls": polls}
    assert notice["duration_s"] >= 0.5 * (polls - 1), "counted from the first round"
    eventually(lambda: usher.pending("workflow-completions", "notifier"), lambda n: n == 0)
    assert len(usher.notices(instance)) == 1
    assert_replays(usher, instance)


def test_the_history_of_a_monitor_holds_one_round(usher: Driver) -> None:
    instance = fresh("monitor")
    usher.request("monitor_workflow", instance_id=instance, input={"interval_seconds": 0.2})
    usher.notice(instance)
    assert_replays(usher, instance)
    items = usher.get("orchestrator", f"/instances/{instance}/history")["items"]
    assert [event["name"] for event in items].count("poll_activity") == 1
