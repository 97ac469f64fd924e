"""P7: a store that answers late, or not at all for a while, costs the time that it was away."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from tests.integration.test_audit import _audit
from tests.support.driver import Driver, eventually, fresh

FROZEN_SECONDS = 28
AFTER_SECONDS = 40
"""The broker gives out again what its readers held after 10 to 13 s; some turns come again."""


def test_p7_runs_end_soon_after_a_store_that_was_frozen_for_a_while(
    usher: Driver, tmp_path: Path
) -> None:
    redis = usher.stack.pids()["redis"]
    runs = [fresh("frozen") for _ in range(60)]
    published = _publish(usher, runs, str(tmp_path / "tally"))
    os.kill(redis, signal.SIGSTOP)
    try:
        threading.Event().wait(FROZEN_SECONDS)
    finally:
        os.kill(redis, signal.SIGCONT)
    thawed = time.monotonic()
    ended: dict[str, float] = {}

    def all_ended() -> int:
        for instance_id in set(runs) - ended.keys():
            if usher.notices(instance_id):
                ended[instance_id] = time.monotonic() - thawed
        return len(ended)

    eventually(all_ended, lambda many: many == len(runs), seconds=180)
    assert max(ended.values()) < AFTER_SECONDS
    for instance_id in runs:
        assert len(usher.notices(instance_id)) == 1
    assert [one for one in _audit(usher).findings if one.id in published] == []


def _publish(usher: Driver, runs: list[str], tally: str) -> set[str]:
    """Start each run, publish the two events that it counts, and return the ids of all events.

    Every other run gets its events at once, the rest when all are started.
    """
    published: set[str] = set()

    def publish(topic: str, **command: Any) -> None:
        published.add(event_id := fresh("event"))
        usher.cloudevent(topic, event_id, command)

    def tick_twice(instance_id: str) -> None:
        for data in range(2):
            publish("workflow-events", instance_id=instance_id, event="tick", data=data)

    given = {"file": tally, "events": 2, "seconds": 300}
    for number, instance_id in enumerate(runs):
        command = {"workflow": "counting_workflow", "instance_id": instance_id, "input": given}
        publish("workflow-requests", **command)
        if number % 2:
            tick_twice(instance_id)
    for instance_id in runs[::2]:
        tick_twice(instance_id)
    return published
