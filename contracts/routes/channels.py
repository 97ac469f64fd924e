"""The channels that routes listen to: pairs of pub/sub component and topic."""

from collections.abc import Iterable

from contracts.routes.route import Route
from contracts.topics import PUBSUB_ROUTES, PUBSUB_ROUTES_ORDERED

OWN_COMPONENTS = (PUBSUB_ROUTES, PUBSUB_ROUTES_ORDERED)


def subscriptions(routes: Iterable[Route]) -> set[tuple[str, str]]:
    """Return each component and topic to subscribe to.

    A topic without a component is Usher's own broker's. Its messages come one at a time if a route
    addresses instances by them, as events of an instance must keep their order.
    """
    named: dict[tuple[str | None, str], set[str]] = {}
    for route in routes:
        if route.topic:
            named.setdefault((route.component, route.topic), set()).add(route.verb)
    found = set()
    for (component, topic), verbs in named.items():
        own = PUBSUB_ROUTES if verbs <= {"start", "unmatched"} else PUBSUB_ROUTES_ORDERED
        found.add((component or own, topic))
    return found


def channel(component: str, topic: str) -> str:
    """Return the channel as routes write it: `topic`, or `component/topic`."""
    return topic if component in OWN_COMPONENTS else f"{component}/{topic}"
