"""Which broker carries a topic, by what a sidecar says of its components and subscriptions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from contracts.topics import OWN_KEYS, PUBSUB, PUBSUB_ORDERED, Topic

REDIS = "pubsub.redis"
"""The type of the broker that is the default, and whose streams the notifier trims."""

KAFKA = "pubsub.kafka"


_PREFIX = re.compile("[a-z0-9][a-z0-9-]{0,62}")
_TOO_LARGE = ("Message was too large", "larger than configured Producer.MaxMessageBytes")
"""What daprd says of a record that Kafka, or the component's own limit, does not take."""

_THROUGH: dict[str, str] = {**dict.fromkeys(Topic, PUBSUB), Topic.EVENTS: PUBSUB_ORDERED}


def _prefix(text: str) -> str:
    if text and not _PREFIX.fullmatch(text):
        raise ValueError("must be at most 63 small letters, digits and '-', such as acme-")
    return text


TopicPrefix = Annotated[str, AfterValidator(_prefix)]
"""What a sidecar can take for its namespace; empty for none."""


@dataclass(frozen=True)
class BrokerNames:
    """The names of topics and groups on a broker that several stacks may share.

    Only what reads the broker itself needs them. A sidecar takes the prefix for its namespace, and
    adds it to each topic and group by itself.
    """

    prefix: str = ""

    def topic(self, topic: str) -> str:
        return f"{self.prefix}{topic}"

    def group(self, app: str) -> str:
        return f"{self.prefix}.{app}" if self.prefix else app

    @property
    def own_keys(self) -> str:
        """How the keys of the notifier's records begin, as they are in the same Redis."""
        return f"{OWN_KEYS}{self.prefix}"

    def sidecar_env(self) -> dict[str, str]:
        """Return the variables with which a sidecar does so. The component files read the last."""
        return {"NAMESPACE": self.prefix, "USHER_CONSUMER_ID": "{namespace}"} if self.prefix else {}


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
