"""Checks of scopes: each app may hear and publish the topics of its part in the flow.

A sidecar lists a subscription that the scopes forbid like any other, and retries it without end.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from contracts.finding import Finding, refusal, warning
from contracts.routes.channels import OWN_COMPONENTS
from contracts.topics import PUBSUB, PUBSUB_ORDERED, READ_BY, Topic
from usher.doctor.resources import Resource, of_type

Use = Literal["publish", "subscribe"]
STARTER, ORCHESTRATOR, NOTIFIER = "starter", "orchestrator", "notifier"
_OPTION = {"publish": "publishingScopes", "subscribe": "subscriptionScopes"}
_HEARD = [
    (PUBSUB_ORDERED if one is Topic.EVENTS else PUBSUB, app, one) for one, app in READ_BY.items()
]
_PUBLISHED = [
    *((PUBSUB, STARTER, topic) for topic in (Topic.REQUESTS, Topic.EVENTS)),
    (PUBSUB, ORCHESTRATOR, Topic.COMPLETIONS),
    # A sidecar forwards what it cannot deliver as the app that it belongs to.
    *((one, ORCHESTRATOR, Topic.DEAD_LETTERS) for one in (PUBSUB, PUBSUB_ORDERED, *OWN_COMPONENTS)),
    (PUBSUB, NOTIFIER, Topic.DEAD_LETTERS),
]


def scopes(resources: Iterable[Resource], channels: Iterable[str]) -> Iterator[Finding]:
    """Check the topics of Usher, and `channels`, which routes name: a topic or component/topic.

    A component that is not here is named elsewhere.
    """
    named = {one.name: one for one in of_type(resources, "pubsub.")}
    for component, app, topic in _HEARD:
        yield from _may(named, component, app, "subscribe", topic)
    for component, app, topic in _PUBLISHED:
        yield from _may(named, component, app, "publish", topic)
    for channel in sorted(channels):
        own, _, name = channel.rpartition("/")
        for component in (own,) if own else OWN_COMPONENTS:
            yield from _may(named, component, ORCHESTRATOR, "subscribe", name)
        one = named.get(own)
        if name in [*Topic]:
            continue  # the starter publishes its own of them, and no others
        if one is None or one.scopes is None or STARTER in one.scopes:
            # Other applications publish on a component of people's own that the starter lacks.
            for found in _may(named, own or PUBSUB, STARTER, "publish", name):
                yield warning(found.where, found.wrong, found.right, "routes")


def _may(
    named: dict[str, Resource], component: str, app: str, use: Use, topic: str
) -> Iterator[Finding]:
    if (one := named.get(component)) is None or allowed(one, app, use, topic):
        return
    if one.scopes is not None and app not in one.scopes:
        where, right = one.field("scopes"), f"add {app}"
    else:
        option = _OPTION[use]
        where = one.field(f"{option}, allowedTopics, protectedTopics")
        right = f"let {option} name {topic} for {app}, and allowedTopics, if they are there"
    does = "subscribe to" if use == "subscribe" else "publish on"
    yield refusal(where, f"{app} may not {does} {topic}", right, "P2")


def allowed(one: Resource, app: str, use: Use, topic: str) -> bool:
    """Return whether the sidecar of an app lets it use a topic of a component, by Dapr's rules."""
    if one.scopes is not None and app not in one.scopes:
        return False
    scoped: set[str] = set()
    for scope in (one.option(_OPTION[use]) or "").replace(" ", "").split(";"):
        name, equals, topics = scope.partition("=")
        if name == app and equals:
            scoped |= set(topics.split(","))
    listed, protected = _topics(one, "allowedTopics"), _topics(one, "protectedTopics")
    if listed and topic not in listed:
        return False
    return topic in scoped if scoped or topic in protected else True


def _topics(one: Resource, option: str) -> set[str]:
    value = (one.option(option) or "").replace(" ", "")
    return set(value.split(",")) if value else set()
