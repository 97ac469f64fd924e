"""P7: a store that answers late, or not at all for a while, costs the time that it was away."""

import os
import signal
import threading
import time
from pathlib import Path

from tests.integration.test_audit import _audit
from tests.support.driver import Driver, eventually, fresh

FROZEN_SECONDS = 28
AFTER_SECONDS = 40
"""The broker gives out again what its readers held after 10 to 13 s; some turns come again."""


def test_p7_runs_end_soon_after_a_store_that_was_frozen_for_a_while(
    usher: Driver, tmp_path: Path
) -> None:
    redis = usher.stack.pids()["redis"]
    named_before = _named(usher)
    runs = [fresh("frozen") for _ in range(60)]
    tally = tmp_path / "tally"
    for number, instance_id in enumerate(runs):
        given = {"file": str(tally), "events": 2, "seconds": 300}
        usher.request("counting_workflow", instance_id=instance_id, input=given)
        if number % 2:
            for data in range(2):
                usher.event(instance_id, "tick", data)
    for instance_id in runs[::2]:
        for data in range(2):
            usher.event(instance_id, "tick", data)
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
    assert _named(usher) <= named_before


def _named(usher: Driver) -> set[tuple[str | None, str]]:
    """What the audit names, of the runs of other tests too."""
    return {(one.id, one.missing) for one in _audit(usher).findings}
