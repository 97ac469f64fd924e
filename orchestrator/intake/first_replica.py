"""Which components only the first replica subscribes to, so that events keep their order.

Redis gives the entries of a stream to whoever asks next, so two consumers overtake each other.
Kafka gives a partition to one consumer, so every replica may subscribe.
"""

from collections.abc import Iterable, Mapping

from contracts.topics import PUBSUB_ORDERED, PUBSUB_ROUTES_ORDERED

_ORDERED = (PUBSUB_ORDERED, PUBSUB_ROUTES_ORDERED)
_KEEP_ORDER = ("pubsub.kafka",)
"""Types of components that keep order whatever the number of consumers."""


def left_to_the_first(replica: int, types: Mapping[str, str]) -> frozenset[str]:
    """Return the components that a replica does not subscribe to. `types` are by their names."""
    if replica == 0:
        return frozenset()
    return frozenset(name for name in _ORDERED if types.get(name) not in _KEEP_ORDER)


def without(
    subscriptions: Iterable[tuple[str, str]], left: frozenset[str]
) -> frozenset[tuple[str, str]]:
    """Return the subscriptions, each a component and a topic, that are not left to another."""
    return frozenset(one for one in subscriptions if one[0] not in left)
