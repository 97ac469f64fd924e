"""Activities run side by side on the real runtime, and one that fails takes nothing with it."""

from tests.support.driver import Driver, fresh
from tests.support.recorded import assert_replays


def test_what_worked_is_kept_and_what_failed_is_named(usher: Driver) -> None:
    instance = fresh("fan-out")
    usher.request("fan_out_workflow", instance_id=instance, input={"items": ["3", "four", "5"]})

    notice = usher.notice(instance)

    assert notice["outcome"] == "COMPLETED"
    assert notice["output"]["results"] == {"3": 9, "5": 25}
    assert list(notice["output"]["failed"]) == ["four"]
    assert "invalid literal" in notice["output"]["failed"]["four"]
    assert_replays(usher, instance)


def test_all_are_scheduled_before_the_first_one_ends(usher: Driver) -> None:
    instance = fresh("fan-out")
    items = [str(number) for number in range(20)]
    usher.request("fan_out_workflow", instance_id=instance, input={"items": items})

    assert usher.notice(instance)["output"] == {
        "results": {item: int(item) ** 2 for item in items},
        "failed": {},
    }
    assert_replays(usher, instance)
    events = usher.get("orchestrator", f"/instances/{instance}/history")["items"]
    types = [event["type"] for event in events]
    assert types.index("TASK_COMPLETED") > 20
