"""Stacks on one broker, apart by USHER_TOPIC_PREFIX: each serves its own events, and no others."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from confluent_kafka.admin import AdminClient

from contracts.topics import READ_BY, Topic
from notifier.records.trimming import Trimmer
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh
from tests.support.prepare import tell
from tests.support.stack import PORTS_BESIDE, WORKFLOWS, up
from usher.stack.component_sets import with_component_sets
from usher.stack.kafka import address
from usher.stack.postgres import find_postgres
from usher.stack.processes import processes
from usher.stack.redis import find_or_install
from usher.stack.runtime import find_or_build
from usher.stack.settings import StackSettings
from usher.stack.spec import Binaries
from usher.stack.stack import Stack

pytestmark = pytest.mark.xdist_group("shapes")
NEIGHBOUR = 390
"""How far the ports of the second stack are from the first worker's."""


@pytest.fixture(scope="module")
def neighbour(on_kafka_postgres: Driver) -> Iterator[Driver]:
    """A stack that has its own stores, and the Kafka of another stack."""
    other = on_kafka_postgres.settings
    beside = PORTS_BESIDE + NEIGHBOUR
    own = StackSettings(
        data_dir=other.data_dir.with_name(f"test-stack-{beside}"),
        workflows=(WORKFLOWS,),
        samples=True,
        state="postgres",
        broker="kafka",
        topic_prefix="acme-",
    )
    settings = own.shifted(beside).model_copy(update={"kafka_port": other.kafka_port})
    dapr = find_or_build(tell)
    programs = dapr.daprd, dapr.placement, dapr.scheduler, find_postgres()
    binaries = Binaries(find_or_install(tell, None), *programs)
    every = processes(with_component_sets(settings), binaries)
    stack = Stack(settings, [spec for spec in every if spec.name != "kafka"])
    stack.down(report=tell)
    stack.up(fresh=True, report=tell)
    try:
        with httpx.Client(timeout=30, trust_env=False) as http:
            yield Driver(stack, settings, http)
    finally:
        stack.down(report=tell)


def test_two_stacks_on_one_kafka_serve_each_its_own(
    on_kafka_postgres: Driver, neighbour: Driver
) -> None:
    stacks = [on_kafka_postgres, neighbour]
    instances = [[fresh("hello") for _ in range(5)] for _ in stacks]
    for usher, own in zip(stacks, instances, strict=True):
        for instance in own:
            usher.request("hello_workflow", instance_id=instance, input="Ada")
        usher.append("workflow-requests", fresh("no json"))
    for usher, own in zip(stacks, instances, strict=True):
        for instance in own:
            assert usher.notice(instance, 60)["outcome"] == "COMPLETED"
        eventually(usher.dead_letters, lambda kept: any("no json" in str(one) for one in kept))
    for usher, others in zip(stacks, reversed(instances), strict=True):
        for topic, group in READ_BY.items():
            eventually(lambda at=(topic, group), of=usher: of.pending(*at), lambda n: n == 0)  # type: ignore[misc]
        assert [one for one in others if usher.status(one) or usher.notices(one)] == []
        told = run_usher(usher, "audit")
        assert (told["unaccounted"], told["not_seen"]) == (0, {})
        told = run_usher(usher, "doctor")
        assert (told["refusals"], told["not_seen"]) == (0, [])
    assert run_usher(neighbour, "audit")["events"] == 6
    there = AdminClient({"bootstrap.servers": address(neighbour.settings)}).list_topics(timeout=20)
    assert {f"acme-{topic}" for topic in Topic} | {*Topic} <= {*there.topics}


def test_a_stack_with_a_prefix_has_no_other_streams_in_redis() -> None:
    with up(PORTS_BESIDE + NEIGHBOUR + 20, topic_prefix="acme-") as usher:
        for instance in (fresh("hello"), fresh("hello")):
            usher.request("hello_workflow", instance_id=instance, input="Ada")
            assert usher.notice(instance, 60)["outcome"] == "COMPLETED"
        eventually(lambda: usher.pending("workflow-completions", "notifier"), lambda n: n == 0)
        eventually(lambda: usher.pending("workflow-requests"), lambda n: n == 0)
        with usher.redis(decode_responses=True) as redis:
            streams = {*redis.scan_iter(_type="stream")} - {"usher:acme-changes"}
            assert redis.hlen("usher:acme-notices") == 2
            assert {one.removeprefix("acme-") for one in streams} >= {*Topic}
            assert all(one.startswith("acme-") for one in streams)
            told = run_usher(usher, "audit")
            assert (told["unaccounted"], told["events"], told["not_seen"]) == (0, 2, {})
            told = run_usher(usher, "doctor")
            assert (told["refusals"], told["warnings"], told["not_seen"]) == (0, 0, [])
            trimmed = Trimmer(redis, timedelta(), usher.settings.names).sweep()
        assert trimmed["workflow-requests"] == 1  # the last one marks the place
        assert run_usher(usher, "audit")["unaccounted"] == 0
