"""Three orchestrators: one that vanishes under load costs nothing, and doubles nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.driver import Driver, eventually, fresh
from tests.support.k8s.cluster import Cluster
from tests.support.k8s.deployed import Deployed
from tests.support.k8s.fixtures import deployed
from tests.support.prepare import tell
from tests.support.stack import PORTS_BESIDE, settings_of

REQUESTS = 300
PAGE = 1000


@pytest.fixture(scope="module")
def three(cluster: Cluster) -> Iterator[Driver]:
    settings = settings_of(PORTS_BESIDE + 330, replicas=3)
    with deployed(cluster, settings, [], tell) as driver:
        yield driver


def test_p6_of_three_replicas_one_is_deleted_under_load_and_each_ending_is_announced_once(
    three: Driver,
) -> None:
    stack = three.stack
    assert isinstance(stack, Deployed)
    assert len(stack.pods("orchestrator", fresh=True)) == 3
    instances = [fresh("hello") for _ in range(REQUESTS)]

    def announced() -> list[str]:
        notices = three.get("notifier", "/notices", limit=PAGE)["items"]
        return [one["instance_id"] for one in notices]

    def publish(instance: str) -> None:
        three.request("hello_workflow", instance_id=instance, input="Ada")

    with ThreadPoolExecutor(4) as crowd:
        publishing = [crowd.submit(publish, one) for one in instances]
        eventually(announced, lambda seen: len(seen) > REQUESTS // 10, 120)
        deleted = stack.kill_pod("orchestrator", which=1)
        assert len(announced()) < REQUESTS, "it was deleted after all was done"
    for one in publishing:
        one.result()

    seen = eventually(announced, lambda seen: len(seen) >= REQUESTS, 240)
    assert sorted(seen) == sorted(instances)
    stack.wait_healthy(120)
    left = [pod["metadata"]["uid"] for pod in stack.pods("orchestrator", fresh=True)]
    assert len(left) == 3
    assert deleted not in left
