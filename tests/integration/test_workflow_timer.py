"""A durable timer fires, whatever dies while it waits."""

import os
import signal
from datetime import datetime

from tests.support.driver import Driver, fresh
from tests.support.recorded import assert_replays


def test_a_timer_fires_when_it_is_due(usher: Driver) -> None:
    instance = fresh("timer")
    usher.request("timer_workflow", instance_id=instance, input={"seconds": 1})

    notice = usher.notice(instance)

    assert notice["outcome"] == "COMPLETED"
    assert notice["output"]["seconds"] == 1
    assert notice["custom_status"] == "awake"
    assert 1 <= notice["duration_s"] < 10
    assert_replays(usher, instance)


def test_a_timer_outlives_the_death_of_worker_sidecar_and_scheduler(usher: Driver) -> None:
    instance = fresh("timer")
    usher.request("timer_workflow", instance_id=instance, input={"seconds": 6})
    usher.running(instance)
    assert str(usher.get("starter", f"/status/{instance}")["custom_status"]).startswith("sleeping")

    pids = usher.stack.pids()
    for name in ("orchestrator", "orchestrator-daprd", "scheduler"):
        os.kill(pids[name], signal.SIGKILL)

    notice = usher.notice(instance, seconds=90)
    assert notice["outcome"] == "COMPLETED"
    due, woke = (datetime.fromisoformat(notice["output"][at]) for at in ("due_at", "woke_at"))
    assert woke >= due
    assert len(usher.notices(instance)) == 1
    usher.stack.wait_healthy(timeout=60)
    assert_replays(usher, instance)
