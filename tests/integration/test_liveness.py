"""What runs the tasks: a worker that ends is replaced, and what blocks holds up nobody else."""

import re

from tests.support.driver import Driver, eventually, fresh

SERVED_SECONDS = 20


def _serves(usher: Driver, seconds: float = SERVED_SECONDS) -> None:
    instance = fresh("hello")
    usher.request("hello_workflow", input="Ada", instance_id=instance)
    assert usher.notice(instance, seconds)["outcome"] == "COMPLETED"


def _metric(usher: Driver, name: str) -> float:
    text = usher.http.get(usher.url("orchestrator", "/metrics")).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0


def test_a_process_whose_worker_has_ended_is_replaced(usher: Driver) -> None:
    """An activity reaches through the garbage collector, and stops the worker's event loop.

    No other test calls that activity: one that ended its process lately would run in isolation.
    """
    before, instance = usher.stack.pids(), fresh("stopping")
    usher.request("stopping_workflow", instance_id=instance)
    eventually(
        lambda: usher.stack.pids().get("orchestrator"),
        lambda pid: pid not in (None, before["orchestrator"]),
        60,
    )
    assert "the workflow worker has ended: this process stops" in usher.log("orchestrator")
    # Run in a process of its own, it finds no loop that it could stop.
    assert usher.notice(instance, 150)["outcome"] == "COMPLETED"
    _serves(usher)


def test_many_slow_activities_hold_up_nobody(usher: Driver) -> None:
    """More than the old six threads, and more than one name may have of the new ones."""
    slow = fresh("slow")
    usher.request("slow_workflow", instance_id=slow, input={"seconds": 8, "times": 70})
    running = 'usher_activities_running{activity="slow_activity"}'
    eventually(lambda: _metric(usher, running), lambda count: count == 48)
    eventually(lambda: _metric(usher, "usher_activities_waiting"), lambda count: count == 22)
    assert _metric(usher, "usher_activity_threads") == 64
    _serves(usher)
    eventually(lambda: usher.log("orchestrator"), lambda log: "activities wait for a thread" in log)
    assert usher.notice(slow, 60)["outcome"] == "COMPLETED"


def test_an_async_activity_that_blocks_is_named_while_it_does(
    usher: Driver,
) -> None:
    slow, other = fresh("slow"), fresh("deadly")
    asked = {"seconds": 25, "asynchronous": True}
    usher.request("slow_workflow", instance_id=slow, input=asked)
    eventually(
        lambda: usher.log("orchestrator"),
        lambda log: "an async activity blocks its event loop" in log and slow in log,
    )
    assert "activity=blocking_async_activity" in usher.log("orchestrator")
    usher.request("deadly_workflow", instance_id=other, input={"where": "async"})
    assert usher.notice(other, SERVED_SECONDS)["output"] == "alive"
    _serves(usher)
    assert usher.status(slow) == "RUNNING"
    assert usher.notice(slow, 60)["outcome"] == "COMPLETED"


def test_a_workflow_runs_with_steps_that_it_imports_from_a_file_beside_it(usher: Driver) -> None:
    instance = fresh("shared")
    usher.request("shared_workflow", instance_id=instance, input="ho")
    assert usher.notice(instance)["output"] == ["ho ho", "HO", "ho ho"]


def test_a_run_is_ended_by_terminate_while_its_activity_hangs(usher: Driver) -> None:
    """The thread stays busy, and what the activity comes to is of no use to anybody."""
    slow = fresh("slow")
    usher.request("slow_workflow", instance_id=slow, input={"seconds": 600, "times": 3})
    running = 'usher_activities_running{activity="slow_activity"}'
    eventually(lambda: _metric(usher, running), lambda count: count >= 3)
    usher.publish("workflow-events", {"instance_id": slow, "control": "terminate"})
    assert usher.notice(slow)["outcome"] == "TERMINATED"
    with usher.away("orchestrator"):
        pass
    eventually(lambda: _metric(usher, running), lambda count: count == 0)
    _serves(usher)
