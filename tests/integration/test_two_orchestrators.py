"""Routes with two orchestrators, each of which is killed while events arrive."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_routes import order
from tests.support.driver import Driver, eventually, fresh
from tests.support.stack import PORTS_BESIDE, WORKFLOWS, healthy, up

CLOCKED = Path(__file__).parents[1] / "support" / "clocked"
ORDERS = 60
TICKS = 20
"""How many events of an instance come before its start, and as many after."""
NOT_OWN = 90
"""Seconds: a reclaim by the broker, a lease and a restart, on a busy machine."""


@pytest.fixture(scope="module")
def two_orchestrators() -> Iterator[Driver]:
    with up(PORTS_BESIDE + 50, replicas=2, workflows=(WORKFLOWS, CLOCKED)) as driver:
        yield driver


@pytest.fixture
def two(two_orchestrators: Driver) -> Iterator[Driver]:
    yield from healthy(two_orchestrators)


def minutes(usher: Driver) -> Counter[str]:
    """Count the runs of each minute."""
    notices = usher.get("notifier", "/notices", limit=1000)["items"]
    return Counter(one["output"] for one in notices if one["workflow"] == "minute_workflow")


@pytest.mark.timeout(300)
def test_p1_and_p7_hold_for_routes_while_each_orchestrator_is_killed(two: Driver) -> None:
    ids = [fresh("order") for _ in range(ORDERS)]
    for n, order_id in enumerate(ids):
        if n in (ORDERS // 3, 2 * ORDERS // 3):
            name = "orchestrator" if n == ORDERS // 3 else "orchestrator-2"
            os.kill(two.stack.pids()[name], signal.SIGKILL)
        placed = fresh("placed")
        if n % 3 == 0:
            order(two, "paid", order_id)
        for _ in range(2):
            order(two, "placed", order_id, placed)
        if n % 3:
            order(two, "paid", order_id)
    for order_id in ids:
        assert two.notice(f"shop_order-{order_id}", NOT_OWN)["outcome"] == "COMPLETED"
    eventually(lambda: two.pending("orders") + two.pending("payments"), lambda n: n == 0, NOT_OWN)
    assert [len(two.notices(f"shop_order-{order_id}")) for order_id in ids] == [1] * ORDERS


@pytest.mark.timeout(300)
def test_p3_events_come_in_order_though_two_orchestrators_take_work(two: Driver) -> None:
    """Early events wait in the order of their acceptance; later ones are delivered in it."""
    instances = [fresh("count") for _ in range(3)]
    for number in range(2 * TICKS):
        if number == TICKS:
            for instance in instances:
                tally = {"events": 2 * TICKS, "seconds": NOT_OWN}
                two.request("counting_workflow", instance_id=instance, input=tally)
        for instance in instances:
            two.event(instance, "tick", number)
    for instance in instances:
        assert two.notice(instance, NOT_OWN)["output"] == list(range(2 * TICKS))


@pytest.mark.timeout(300)
def test_each_minute_starts_one_run_although_two_orchestrators_look_at_the_clock(
    two: Driver,
) -> None:
    seen = eventually(lambda: minutes(two), lambda found: len(found) >= 2, 150)
    assert set(seen.values()) == {1}
