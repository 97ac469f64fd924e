"""A failure is handled, or raised again after the compensation, on the real runtime."""

from typing import Any

import pytest

from tests.support.driver import Driver, fresh
from tests.support.recorded import assert_replays

HANDLED = {"status": "HANDLED_FAILURE", "compensation": "undid t1", "original_input": "t1"}


def _activities(usher: Driver, instance: str) -> list[str]:
    events = usher.get("orchestrator", f"/instances/{instance}/history")["items"]
    return [event["name"] for event in events if event["type"] == "TASK_SCHEDULED"]


@pytest.mark.parametrize("given", ["t1", {"task_data": "t1"}])
def test_a_handled_failure_completes(usher: Driver, given: Any) -> None:
    instance = fresh("handling")
    usher.request("error_handling_workflow", instance_id=instance, input=given)

    notice = usher.notice(instance)

    assert notice["outcome"] == "COMPLETED"
    assert notice["output"] == HANDLED
    assert notice["custom_status"] == "compensated"
    assert_replays(usher, instance)


def test_a_failure_raised_again_fails_after_the_compensation(usher: Driver) -> None:
    instance = fresh("handling")
    given = {"task_data": "t1", "reraise": True}
    usher.request("error_handling_workflow", instance_id=instance, input=given)

    notice = usher.notice(instance)

    assert notice["outcome"] == "FAILED"
    assert "cannot do t1" in notice["error"]["message"]
    assert notice["custom_status"] == "compensated, failing"
    assert_replays(usher, instance)
    ran = _activities(usher, instance)
    assert ran[:2] == ["always_fail_activity", "compensation_activity"]
