"""A control that terminates holds: whatever its run does meanwhile, it ends, and is told once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from threading import Event

import pytest

from tests.support.driver import Driver, eventually, fresh

Begin = Callable[[Driver], str]


def waiting(usher: Driver) -> str:
    """Start a run that takes events for long; return its id."""
    instance_id = fresh("waiting")
    usher.request(
        "counting_workflow", instance_id=instance_id, input={"events": 100_000, "seconds": 600}
    )
    usher.running(instance_id)
    return instance_id


def suspended(usher: Driver) -> str:
    instance_id = waiting(usher)
    usher.publish("workflow-events", {"instance_id": instance_id, "control": "suspend"})
    eventually(lambda: usher.status(instance_id), lambda status: status == "SUSPENDED")
    return instance_id


def suspended_with_events(usher: Driver) -> str:
    instance_id = suspended(usher)
    for n in range(20):
        usher.event(instance_id, "tick", n)
    return instance_id


def never_idle(usher: Driver) -> str:
    """Start a run that calls one activity after the other."""
    instance_id = fresh("busy")
    usher.request("busy_workflow", instance_id=instance_id, input=2000)
    usher.running(instance_id)
    return instance_id


def many_steps_at_once(usher: Driver) -> str:
    instance_id = fresh("wide")
    usher.request("wide_workflow", instance_id=instance_id, input={"steps": 40, "rounds": 60})
    usher.running(instance_id)
    return instance_id


@contextmanager
def events_from_many(usher: Driver, instance_id: str) -> Iterator[None]:
    """Raise events past Usher, 16 at once: the engine reads several together."""
    enough, numbers = Event(), count()

    def raise_on() -> None:
        while not enough.is_set() and (number := next(numbers)) < 5000:
            usher.ask_engine(f"{instance_id}/raiseEvent/tick", json=number)

    with ThreadPoolExecutor(16) as pool:
        several = [pool.submit(raise_on) for _ in range(16)]
        yield
        enough.set()
        for one in several:
            one.result()


def ends(usher: Driver, instance_id: str) -> None:
    usher.publish("workflow-events", {"instance_id": instance_id, "control": "terminate"})
    assert usher.notice(instance_id, seconds=60)["outcome"] == "TERMINATED"
    eventually(lambda: usher.status(instance_id), lambda status: status == "TERMINATED")
    assert len(usher.notices(instance_id)) == 1


@pytest.mark.parametrize(
    "begin", [waiting, suspended, suspended_with_events, never_idle, many_steps_at_once]
)
def test_p6_a_terminated_run_ends_and_is_announced_once(usher: Driver, begin: Begin) -> None:
    ends(usher, begin(usher))


@pytest.mark.parametrize("begin", [waiting, suspended])
def test_p6_a_run_that_is_terminated_among_many_events_ends(usher: Driver, begin: Begin) -> None:
    instance_id = begin(usher)
    with events_from_many(usher, instance_id):
        ends(usher, instance_id)
