"""A task that ends its process fails after a few deaths; the others are served, and none is blamed.

Each case ends with a healthy run, which is to be served within 20 s.
"""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.driver import Driver, eventually, fresh

SETTLED_SECONDS = 300
"""From the request to the failure: two deaths of the orchestrator for each of several killers, and
three of processes of its own. One killer alone takes 15 to 45 s; four at once took 84 to 122 s on a
busy machine, where a death left the sidecar hanging as well (decision 0008)."""
SERVED_SECONDS = 20

pytestmark = pytest.mark.timeout(600)


def _serves(usher: Driver) -> None:
    instance = fresh("hello")
    usher.request("hello_workflow", input="Ada", instance_id=instance)
    assert usher.notice(instance, SERVED_SECONDS)["outcome"] == "COMPLETED"


def _ask(usher: Driver, **asked: Any) -> str:
    instance = fresh("deadly")
    usher.request("deadly_workflow", instance_id=instance, input=asked)
    return instance


def _failed(usher: Driver, instance: str) -> str:
    notice = usher.notice(instance, SETTLED_SECONDS)
    assert notice["outcome"] == "FAILED"
    return str(notice["error"])


def test_activities_that_end_their_process_fail_and_a_slow_one_beside_them_does_not(
    usher: Driver, tmp_path: Path
) -> None:
    slow, file = fresh("slow"), tmp_path / "began"
    usher.request("slow_workflow", instance_id=slow, input={"seconds": 15, "file": str(file)})
    eventually(file.exists, bool)
    exits = _ask(usher, how="exit")
    kills = _ask(usher, how="kill")
    crashes = _ask(usher, how="segfault")
    waits = _ask(usher, how="exit", where="async")
    died = "the process died 3 times while it ran activity"
    assert f"{died} 'deadly_activity' (exit code 3)" in _failed(usher, exits)
    assert f"{died} 'deadly_activity' (signal 9, SIGKILL)" in _failed(usher, kills)
    assert f"{died} 'deadly_activity' (signal 11, SIGSEGV)" in _failed(usher, crashes)
    assert f"{died} 'deadly_async_activity' (exit code 3)" in _failed(usher, waits)
    _serves(usher)
    notice = usher.notice(slow, 60)
    assert (notice["outcome"], notice["output"]) == ("COMPLETED", ["slow"])


def test_workflows_whose_code_ends_its_process_fail(usher: Driver) -> None:
    first, late = _ask(usher, how="exit", where="body"), _ask(usher, how="exit", where="late")
    for instance in (first, late):
        died = "the process died 3 times while it ran workflow 'deadly_workflow'"
        assert died in _failed(usher, instance)
    _serves(usher)


def test_a_workflow_catches_the_failure_and_a_retry_costs_no_more_deaths(usher: Driver) -> None:
    notice = usher.notice(_ask(usher, how="kill", caught=True, attempts=3), SETTLED_SECONDS)
    assert notice["outcome"] == "COMPLETED"
    assert notice["output"].startswith("caught: ")
    assert "the process died 3 times" in notice["output"]
    _serves(usher)


def test_who_kills_from_outside_blames_nobody(usher: Driver, tmp_path: Path) -> None:
    """More kills than a task may cost, each while the same innocent runs, and runs alone."""
    slow, file = fresh("slow"), tmp_path / "began"
    usher.request("slow_workflow", instance_id=slow, input={"seconds": 4, "file": str(file)})
    for number in range(1, 5):
        eventually(lambda: _beginnings(file), number.__le__, 60)
        os.kill(usher.stack.pids()["orchestrator"], signal.SIGKILL)
        usher.stack.wait_healthy(timeout=60)
    notice = usher.notice(slow, 120)
    assert (notice["outcome"], notice["output"]) == ("COMPLETED", ["slow"])


def _beginnings(file: Path) -> int:
    return file.read_text().count("began") if file.exists() else 0
