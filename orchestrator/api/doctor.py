"""What would break a promise, as far as the orchestrator sees it from its sidecar and itself."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from contracts.finding import Finding, refusal, warning
from contracts.http import Instance
from contracts.topics import LEDGER_STORE, PUBSUB, PUBSUB_ORDERED, STATE_STORE, Topic
from orchestrator.intake.first_replica import without
from orchestrator.ledger.records import LEASE_SECONDS
from orchestrator.settings import Settings

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
SUBSCRIBED = ((PUBSUB, Topic.REQUESTS), (PUBSUB_ORDERED, Topic.EVENTS))

RUNTIMES = ("1.18.",)
SDKS = ("1.19.",)


class Unfit(Exception):
    """Events served like this would be lost or doubled; the message names what to change."""


@dataclass(frozen=True)
class Seen:
    """What the orchestrator sees."""

    metadata: dict[str, Any]
    settings: Settings
    started: bool = True
    """Before, the sidecar has no subscriptions of ours."""
    stalled: Sequence[Instance] = ()
    """Instances that the engine has stopped."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Instances whose workflow is not here, with its name."""
    without_activity: Mapping[str, str] = field(default_factory=dict)
    """Instances that called an activity which is not here, with its name."""
    routed: Iterable[tuple[str, str]] = ()
    """Components and topics that routes name."""
    left: frozenset[str] = frozenset()
    """Components that only the first replica subscribes to, where this is another one."""


def examine(seen: Seen) -> list[Finding]:
    """Return everything found, refusals first."""
    metadata, settings = seen.metadata, seen.settings
    found = [
        *components(metadata),
        *delivery(metadata),
        *(subscriptions(metadata, seen.left) if seen.started else ()),
        *(unheard(metadata, without(seen.routed, seen.left)) if seen.started else ()),
        *versions(str(metadata.get("runtimeVersion") or ""), version("dapr")),
        *stalls(seen.stalled),
        *unknowns("workflow", seen.unknown),
        *unknowns("activity", seen.without_activity),
        *windows(settings.ledger_days, settings.stream_days, settings.call_timeout_seconds),
    ]
    return sorted(found, key=lambda finding: finding.level)


def admit(seen: Seen) -> list[Finding]:
    """Return the warnings; raise `Unfit` for refusals."""
    found = examine(seen)
    refusals = [str(finding) for finding in found if finding.level == "refusal"]
    if refusals:
        raise Unfit("not started, as events would be lost or doubled:\n" + "\n".join(refusals))
    return found


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


def subscriptions(metadata: Metadata, left: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Each topic that is not `left` is heard, and what cannot be delivered has somewhere to go."""
    taken = {one["topic"]: one for one in metadata.get("subscriptions") or []}
    for broker, topic in sorted(without(SUBSCRIBED, left)):
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


def unheard(metadata: Metadata, routed: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Each topic that routes name is heard, through the component that is meant.

    The sidecar lists subscriptions of components that it lacks, too.
    """
    loaded = {one["name"] for one in metadata.get("components") or []}
    subscribed = metadata.get("subscriptions") or []
    heard = {(one.get("pubsubname"), one["topic"]) for one in subscribed}
    heard = {(component, topic) for component, topic in heard if component in loaded}
    for component, topic in sorted(set(routed) - heard):
        wrong = f"nobody is subscribed to {topic} of {component}: no route gets its events"
        right = (
            f"have a component {component} whose scopes name orchestrator, and whose "
            f"subscriptionScopes, if there are any, name {topic}; then restart the sidecar"
        )
        yield refusal("the topics of routes", wrong, right, "P2")


def versions(runtime: str, sdk: str) -> Iterator[Finding]:
    """Other versions may well work: what Dapr does at its edges has changed with every release."""
    if not runtime.startswith(RUNTIMES):
        wrong = f"the sidecar is Dapr {runtime or 'of unknown version'}"
        yield warning("the Dapr runtime", wrong, f"tested with {_any(RUNTIMES)}", "all")
    if not sdk.startswith(SDKS):
        wrong = f"the Dapr SDK is {sdk}"
        yield warning("the package dapr", wrong, f"tested with {_any(SDKS)}", "all")


def stalls(stalled: Sequence[Instance]) -> Iterator[Finding]:
    """A stalled instance goes on with the code that it was started with, or is ended."""
    for one in stalled:
        why = f" since {one.stalled.since:%Y-%m-%d %H:%M:%S} UTC" if one.stalled else ""
        why += f": {one.stalled.message.rstrip(': ')}" if one.stalled else ""
        right = "deploy the code that it was started with, or terminate it"
        yield warning(f"the instance {one.instance_id}", f"it is STALLED{why}", right, "P6")


def unknowns(kind: str, unknown: Mapping[str, str]) -> Iterator[Finding]:
    """A run whose workflow, or activity, is not here stands still until it is back, or is ended."""
    for name, count in sorted(Counter(unknown.values()).items()):
        first = next(one for one, its in sorted(unknown.items()) if its == name)
        runs = f"{first} and {count - 1} more" if count > 1 else first
        whose = "runs of it" if kind == "workflow" else "runs that called it"
        wrong = f"{whose} stand still, as no file here has it: {runs}"
        right = "deploy the file that has it, or terminate them"
        yield warning(f"the {kind} {name!r}", wrong, right, "P6")


def windows(ledger_days: float, stream_days: float, call_timeout: float) -> Iterator[Finding]:
    """The ledger outlives the streams; one call is over before the lease it is made under."""
    if ledger_days <= stream_days:
        wrong = f"the ledger forgets after {ledger_days:g} days, streams are kept {stream_days:g}"
        right = "more days than USHER_STREAM_DAYS: an entry may be delivered again while it is kept"
        yield refusal("ORCHESTRATOR_LEDGER_DAYS", wrong, right, "P1, P2")
    if call_timeout >= LEASE_SECONDS:
        wrong = f"one call may take {call_timeout:g} s, the lease of a start is {LEASE_SECONDS} s"
        right = "less than the lease: a call that outlives it may start a second run"
        yield refusal("ORCHESTRATOR_CALL_TIMEOUT_SECONDS", wrong, right, "P1")


def _milliseconds(duration: str) -> float:
    """Read what Go writes for short durations: `1.5s`, `500ms`; anything longer is long enough."""
    for unit, factor in (("ms", 1.0), ("s", 1000.0)):
        number = duration.removesuffix(unit)
        if number != duration and number.replace(".", "", 1).isdigit():
            return float(number) * factor
    return float("inf")


def _any(prefixes: tuple[str, ...]) -> str:
    return ", ".join(f"{prefix}x" for prefix in prefixes)
