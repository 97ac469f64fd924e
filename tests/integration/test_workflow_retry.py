"""An activity that fails is tried again on the real runtime, its attempts counted in the store."""

import re
from typing import Any

from tests.support.driver import Driver, fresh
from tests.support.recorded import assert_replays


def _attempts(usher: Driver, instance: str) -> list[str]:
    events: list[dict[str, Any]] = usher.get("orchestrator", f"/instances/{instance}/history")[
        "items"
    ]
    return [event["type"] for event in events if event["name"] == "flaky_activity"]


def test_two_failures_succeed_on_the_last_attempt(usher: Driver) -> None:
    instance = fresh("retry")
    usher.request("retry_workflow", instance_id=instance, input={"failures": 2})

    notice = usher.notice(instance)

    assert notice["outcome"] == "COMPLETED"
    assert notice["output"] == {"flaky_result": "attempt 3 worked", "attempts": 3}
    assert notice["duration_s"] >= 3, "1 s, then 2 s"
    assert_replays(usher, instance)
    assert _attempts(usher, instance) == ["TASK_SCHEDULED"] * 3


def test_three_failures_fail_for_good(usher: Driver) -> None:
    instance = fresh("retry")
    usher.request("retry_workflow", instance_id=instance, input={"failures": 3})

    notice = usher.notice(instance)

    assert notice["outcome"] == "FAILED"
    assert "attempt 3 failed" in notice["error"]["message"]
    assert_replays(usher, instance)
    assert _attempts(usher, instance) == ["TASK_SCHEDULED"] * 3


def test_attempts_of_one_instance_do_not_count_for_another(usher: Driver) -> None:
    first, second = fresh("retry"), fresh("retry")
    for instance in (first, second):
        usher.request("retry_workflow", instance_id=instance, input={"failures": 1})
    for instance in (first, second):
        assert usher.notice(instance)["output"]["attempts"] == 2


def test_log_lines_of_an_activity_name_its_workflow_and_task(usher: Driver) -> None:
    instance = fresh("retry")
    usher.request("retry_workflow", instance_id=instance, input={"failures": 0})
    usher.notice(instance)
    (line,) = [
        line
        for line in usher.log("orchestrator").splitlines()
        if "attempt worked" in line and instance in line
    ]
    assert re.search(r"task_id\W+1\b", line)
