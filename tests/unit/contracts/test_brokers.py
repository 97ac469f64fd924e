"""Which topics are on a broker other than Redis, by what a sidecar says of itself."""

from typing import Any

from contracts.brokers import BrokerNames, is_too_large, other_brokers
from contracts.topics import Topic


def metadata(*subscribed: tuple[str, str], **components: str) -> dict[str, Any]:
    return {
        "components": [
            {"name": name.replace("_", "-"), "type": kind} for name, kind in components.items()
        ],
        "subscriptions": [{"pubsubname": name, "topic": topic} for name, topic in subscribed],
    }


def test_a_topic_of_redis_is_not_elsewhere() -> None:
    assert other_brokers({}) == {}
    assert other_brokers(metadata(pubsub="pubsub.redis", pubsub_ordered="pubsub.redis")) == {}


def test_a_topic_is_where_its_subscription_is() -> None:
    subscribed = (("pubsub", Topic.REQUESTS), ("mine", "orders"))
    said = metadata(*subscribed, pubsub="pubsub.redis", mine="pubsub.kafka")
    assert other_brokers(said) == {"orders": "pubsub.kafka"}


def test_what_is_not_subscribed_yet_is_where_its_component_is() -> None:
    assert other_brokers(metadata(pubsub="pubsub.kafka", pubsub_ordered="pubsub.redis")) == {
        Topic.REQUESTS: "pubsub.kafka",
        Topic.COMPLETIONS: "pubsub.kafka",
        Topic.DEAD_LETTERS: "pubsub.kafka",
    }


def test_what_is_too_large_is_told_from_what_is_away() -> None:
    said = "error when publishing to topic workflow-requests in pubsub pubsub: kafka"
    assert is_too_large(
        f"{said} server: Message was too large, server rejected it to avoid allocation error"
    )
    assert is_too_large(
        f"{said}: invalid configuration (Attempt to produce message larger than configured "
        "Producer.MaxMessageBytes: 2000000 > 1048576)"
    )
    assert not is_too_large(f"{said}: client has run out of available brokers to talk to")


def test_a_prefix_sets_topics_and_groups_apart_and_nothing_without_one() -> None:
    plain, acme = BrokerNames(), BrokerNames("acme-")
    assert (plain.topic(Topic.EVENTS), plain.group("notifier")) == ("workflow-events", "notifier")
    assert plain.sidecar_env() == {}
    assert (plain.own_keys, acme.own_keys) == ("usher:", "usher:acme-")
    assert acme.topic(Topic.EVENTS) == "acme-workflow-events"
    assert acme.group("notifier") == "acme-.notifier"
    assert acme.sidecar_env() == {"NAMESPACE": "acme-", "USHER_CONSUMER_ID": "{namespace}"}
