"""Processes die, are away, or come late: what was accepted is served, and announced once."""

import os
import signal
from pathlib import Path

import psutil

from tests.support.driver import Driver, eventually, fresh

SERVED_SECONDS = 60
TRIED_AGAIN = "will be tried again"


def _kill(usher: Driver, *names: str) -> None:
    pids = usher.stack.pids()
    for name in names:
        os.kill(pids[name], signal.SIGKILL)


def _request_many(usher: Driver, count: int) -> list[str]:
    instances = [fresh("hello") for _ in range(count)]
    for instance in instances:
        usher.request("hello_workflow", input="Ada", instance_id=instance)
    return instances


def _all_announced_once(usher: Driver, instances: list[str]) -> None:
    for instance in instances:
        assert usher.notice(instance, SERVED_SECONDS)["outcome"] == "COMPLETED"
    eventually(lambda: usher.pending("workflow-completions", "notifier"), lambda n: n == 0)
    for instance in instances:
        assert len(usher.notices(instance)) == 1


def test_an_approval_outlives_the_death_of_orchestrator_and_sidecar(usher: Driver) -> None:
    instance = fresh("approval")
    usher.request("approval_workflow", instance_id=instance)
    usher.running(instance)

    _kill(usher, "orchestrator", "orchestrator-daprd")
    usher.event(instance, "approval", {"approved": True})

    assert usher.notice(instance, SERVED_SECONDS)["output"]["decision"] == "approved"
    _all_announced_once(usher, [instance])


def test_a_deadline_outlives_the_death_of_orchestrator_and_sidecar(usher: Driver) -> None:
    instance = fresh("approval")
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 3})
    usher.running(instance)
    _kill(usher, "orchestrator", "orchestrator-daprd")
    assert usher.notice(instance, SERVED_SECONDS)["output"]["decision"] == "timed_out"


def test_requests_published_before_the_orchestrator_is_up_are_all_served(usher: Driver) -> None:
    with usher.away("orchestrator"):
        instances = _request_many(usher, 20)
    _all_announced_once(usher, instances)
    assert not [one for one in instances if one in str(usher.dead_letters())]


def test_requests_published_before_orchestrator_and_sidecar_are_up_are_all_served(
    usher: Driver,
) -> None:
    usher.stack.stop("orchestrator")
    with usher.away("orchestrator-daprd"):
        instances = _request_many(usher, 20)
        usher.stack.start("orchestrator")
    _all_announced_once(usher, instances)


def test_a_delivery_answered_with_retry_is_not_lost(usher: Driver, tmp_path: Path) -> None:
    """Redis acknowledges whatever the handler says: only the resiliency policy keeps the event."""
    instance, file = fresh("moody"), tmp_path / "there"
    before = usher.log("orchestrator").count(TRIED_AGAIN)

    usher.request("moody_workflow", instance_id=instance, input={"file": str(file)})
    eventually(lambda: usher.log("orchestrator").count(TRIED_AGAIN), lambda n: n > before + 2)
    file.touch()

    _all_announced_once(usher, [instance])


def test_requests_wait_for_an_engine_that_is_away(usher: Driver) -> None:
    with usher.away("scheduler"):
        instances = _request_many(usher, 5)
    _all_announced_once(usher, instances)


def test_a_stopped_orchestrator_finishes_what_it_holds_and_loses_nothing(usher: Driver) -> None:
    process = psutil.Process(usher.stack.pids()["orchestrator"])
    instances = _request_many(usher, 30)
    process.send_signal(signal.SIGTERM)
    instances += _request_many(usher, 10)
    process.wait(timeout=25)
    _all_announced_once(usher, instances)


def test_notices_survive_the_notifier_and_come_once(usher: Driver) -> None:
    before = _request_many(usher, 3)
    _all_announced_once(usher, before)
    with usher.away("notifier"):
        meanwhile = _request_many(usher, 5)
    _all_announced_once(usher, before + meanwhile)


def test_every_process_comes_back_by_itself(usher: Driver) -> None:
    for name in ("starter", "notifier", "orchestrator", "starter-daprd", "notifier-daprd"):
        _kill(usher, name)
    usher.stack.wait_healthy(timeout=60)
    _all_announced_once(usher, _request_many(usher, 3))
