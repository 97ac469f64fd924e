"""What is more than a gRPC message holds by default, 4 MiB, is read all the same."""

import uuid
from collections.abc import Iterator

import pytest

from tests.support.driver import Driver, eventually, fresh

ENGINES_OWN = "orchestrator||dapr.internal.default.orchestrator.workflow||{}||metadata"
MANY = 150_000
"""Of 36 characters each: more than 5 MB. An instance is this key to the engine's list."""


@pytest.fixture
def many_instances(usher: Driver) -> Iterator[None]:
    keys = [ENGINES_OWN.format(uuid.uuid4()) for _ in range(MANY)]
    with usher.redis() as redis:
        pages = [keys[start : start + 5000] for start in range(0, MANY, 5000)]
        with redis.pipeline(transaction=False) as pipeline:
            for page in pages:
                for key in page:
                    pipeline.hset(key, "data", "")
                pipeline.execute()
        try:
            yield
        finally:
            for page in pages:
                redis.unlink(*page)


def test_p3_more_than_a_message_holds_is_parked_and_arrives(usher: Driver) -> None:
    instance = fresh("approval")
    for n in range(6):
        usher.event(instance, f"note-{n}", "x" * 1_000_000)
    usher.event(instance, "approval", {"approved": True})
    eventually(lambda: usher.pending("workflow-events"), lambda left: left == 0)

    usher.request("approval_workflow", instance_id=instance)

    assert usher.notice(instance)["output"]["decision"] == "approved"


@pytest.mark.usefixtures("many_instances")
def test_p6_more_instances_than_a_message_holds_can_be_listed(usher: Driver) -> None:
    past_all = usher.get("orchestrator", "/instances", cursor="~")
    assert past_all == {"items": [], "next": None}
