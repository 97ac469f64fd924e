"""Which broker carries a topic, by what a sidecar says of its components and subscriptions."""

from collections.abc import Mapping
from typing import Any

from contracts.topics import PUBSUB, PUBSUB_ORDERED, Topic

REDIS = "pubsub.redis"
"""The type of the broker that is the default, and whose streams the notifier trims."""

KAFKA = "pubsub.kafka"

_TOO_LARGE = ("Message was too large", "larger than configured Producer.MaxMessageBytes")
"""What daprd says of a record that Kafka, or the component's own limit, does not take."""

_THROUGH: dict[str, str] = {**dict.fromkeys(Topic, PUBSUB), Topic.EVENTS: PUBSUB_ORDERED}


def other_brokers(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return each topic whose broker is not Redis, with the type of its component."""
    types = {one["name"]: str(one.get("type")) for one in metadata.get("components") or []}
    through = dict(_THROUGH)
    for one in metadata.get("subscriptions") or []:
        through[one["topic"]] = str(one.get("pubsubname"))
    kinds = {topic: types.get(component, REDIS) for topic, component in through.items()}
    return {topic: kind for topic, kind in kinds.items() if kind != REDIS}


def is_too_large(error: str) -> bool:
    """Return whether a publish failed because of the message's size, which no retry changes."""
    return any(said in error for said in _TOO_LARGE)
