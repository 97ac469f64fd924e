"""Which replica subscribes to what must arrive in order."""

import pytest

from contracts.topics import PUBSUB, PUBSUB_ORDERED, PUBSUB_ROUTES_ORDERED, Topic
from orchestrator.intake.first_replica import left_to_the_first, without

REDIS = dict.fromkeys((PUBSUB, PUBSUB_ORDERED, PUBSUB_ROUTES_ORDERED), "pubsub.redis")
KAFKA = dict.fromkeys(REDIS, "pubsub.kafka")
ORDERED = {PUBSUB_ORDERED, PUBSUB_ROUTES_ORDERED}


@pytest.mark.parametrize(
    ("replica", "types", "left"),
    [
        (0, REDIS, set()),
        (1, REDIS, ORDERED),
        (7, REDIS, ORDERED),
        (1, KAFKA, set()),
        (1, KAFKA | {PUBSUB_ORDERED: "pubsub.redis"}, {PUBSUB_ORDERED}),
        (1, {}, ORDERED),
    ],
)
def test_one_replica_has_the_ordered_components_of_redis(
    replica: int, types: dict[str, str], left: set[str]
) -> None:
    assert left_to_the_first(replica, types) == left


def test_starts_are_taken_by_each_replica() -> None:
    left = left_to_the_first(1, REDIS)
    wanted = [(PUBSUB, Topic.REQUESTS), (PUBSUB_ORDERED, Topic.EVENTS), ("mine", "orders")]
    assert without(wanted, left) == {(PUBSUB, Topic.REQUESTS), ("mine", "orders")}
