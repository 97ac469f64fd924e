"""A sidecar that a dying worker left hanging is noticed, ended and started again; nothing is lost.

See docs/upstream.md. The worker is made to read no more, so that turns pile up in the sidecar; then
it is killed.
"""

import os
import signal
from pathlib import Path
from typing import Any

import httpx

from tests.support.driver import Driver, eventually, fresh

BALLAST = "x" * 3_000_000
"""More than one of it does not fit into the flow-control window of the worker's stream."""
COMES_BACK = 90


def _raise(usher: Driver, instance: str, data: Any, timeout: float = 30) -> bool:
    """Raise an event that nobody waits for, past Usher; False once a turn stands in its way."""
    try:
        path = f"{instance}/raiseEvent/ballast"
        return usher.ask_engine(path, json=data, timeout=timeout).is_success
    except httpx.ReadTimeout:
        return False


def test_p7_a_sidecar_that_hangs_after_its_worker_died_is_restarted_and_nothing_is_lost(
    usher: Driver, tmp_path: Path
) -> None:
    instances = [fresh("count") for _ in range(6)]
    for instance in instances:
        tally = {"file": str(tmp_path / instance), "events": 1, "seconds": 300}
        usher.request("counting_workflow", instance_id=instance, input=tally)
    for instance in instances:
        usher.running(instance)
        eventually((tmp_path / instance).exists, bool)
    before = usher.stack.pids()

    os.kill(before["orchestrator"], signal.SIGSTOP)
    for instance in instances:
        _raise(usher, instance, BALLAST)
    for instance in instances:
        eventually(lambda: _raise(usher, instance, "", timeout=2), lambda done: not done)  # noqa: B023
    os.kill(before["orchestrator"], signal.SIGKILL)
    for instance in instances:
        usher.event(instance, "tick", instance)

    for instance in instances:
        assert usher.notice(instance, COMES_BACK)["output"] == [instance]
        assert len(usher.notices(instance)) == 1
        assert len((tmp_path / instance).read_text().splitlines()) == 2
    assert "the sidecar hangs" in usher.log("orchestrator")
    assert usher.stack.pids()["orchestrator-daprd"] != before["orchestrator-daprd"]
