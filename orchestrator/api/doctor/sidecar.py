"""Checks of what the sidecar has loaded, from its metadata."""

from collections.abc import Iterator
from typing import Any

from contracts.topics import LEDGER_STORE, PUBSUB, PUBSUB_ORDERED, STATE_STORE, Topic
from orchestrator.api.doctor.finding import Finding, refusal, warning

Metadata = dict[str, Any]

_FILE = {
    PUBSUB: "components/pubsub.yaml",
    PUBSUB_ORDERED: "components/pubsub-ordered.yaml",
    STATE_STORE: "components/statestore.yaml",
    LEDGER_STORE: "components/ledger.yaml",
}
_NEEDED = {
    STATE_STORE: ("ACTOR", "it cannot hold workflows", "P2"),
    LEDGER_STORE: ("ETAG", "no record can be created once only", "P1"),
}
SUBSCRIBED = {Topic.REQUESTS: PUBSUB, Topic.EVENTS: PUBSUB_ORDERED}


def components(metadata: Metadata) -> Iterator[Finding]:
    """The components that our code names must be loaded, and the store must be able to."""
    loaded = {one["name"]: one for one in metadata.get("components") or []}
    for name, file in _FILE.items():
        if name not in loaded:
            right = "have it among the sidecar's resources, scoped to orchestrator"
            yield refusal(file, f"the sidecar has no component {name!r}", right, "P2")
    for name, (capability, why, breaks) in _NEEDED.items():
        store = loaded.get(name)
        if store and capability not in (store.get("capabilities") or []):
            wrong = f"{store.get('type')} lacks {capability}: {why}"
            yield refusal(_FILE[name], wrong, "use a store that has it", breaks)
    store = loaded.get(LEDGER_STORE)
    if store and "TTL" not in (store.get("capabilities") or []):
        wrong = f"{store.get('type')} lacks TTL: the ledger grows for ever"
        yield warning(_FILE[LEDGER_STORE], wrong, "use a store that has it", "bounds")


def delivery(metadata: Metadata) -> Iterator[Finding]:
    """Without a retry policy RETRY means lost; without the health check, absence means poison."""
    if not metadata.get("resiliencies"):
        right = "have it among the sidecar's resources, with maxRetries -1 on inbound of pubsub"
        wrong = "the sidecar has no resiliency policy: an event that is to be retried is lost"
        yield refusal("components/resiliency.yaml", wrong, right, "P2, P7")
    health = (metadata.get("appConnectionProperties") or {}).get("health")
    if not health:
        wrong = "the app health check is off: events are delivered to an app that is not ready"
        right = "run the sidecar with --enable-app-health-check"
        yield refusal("the orchestrator's sidecar", wrong, right, "P2, P7")
    elif _milliseconds(str(health.get("healthProbeTimeout", ""))) <= 500:
        wrong = f"the health probe times out after {health.get('healthProbeTimeout')}"
        right = "give it more, such as --app-health-probe-timeout 1500: a busy machine trips it"
        yield warning("the orchestrator's sidecar", wrong, right, "P7")


def subscriptions(metadata: Metadata) -> Iterator[Finding]:
    """Both topics are heard, and what cannot be delivered has somewhere to go."""
    taken = {one["topic"]: one for one in metadata.get("subscriptions") or []}
    for topic, broker in SUBSCRIBED.items():
        if topic not in taken:
            right = f"let {broker}'s subscriptionScopes name it for orchestrator"
            yield refusal(_FILE[broker], f"nobody is subscribed to {topic}", right, "P2")
        elif taken[topic].get("deadLetterTopic") != Topic.DEAD_LETTERS:
            wrong = f"the subscription of {topic} has no dead-letter topic {Topic.DEAD_LETTERS}"
            right = "leave it to the code: no Subscription resource for it"
            yield refusal(f"the subscription of {topic}", wrong, right, "P2, P8")
        elif taken[topic].get("pubsubname") != broker:
            wrong = f"{topic} is heard through {taken[topic].get('pubsubname')!r}, not {broker!r}"
            right = "leave it to the code: no Subscription resource for it"
            yield refusal(f"the subscription of {topic}", wrong, right, "P3")


def _milliseconds(duration: str) -> float:
    """Read what Go writes for short durations: `1.5s`, `500ms`; anything longer is long enough."""
    for unit, factor in (("ms", 1.0), ("s", 1000.0)):
        number = duration.removesuffix(unit)
        if number != duration and number.replace(".", "", 1).isdigit():
            return float(number) * factor
    return float("inf")
