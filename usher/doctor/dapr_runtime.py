"""Checks of the Dapr runtime, but for the orchestrator's sidecar, which it looks after itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.finding import Finding, refusal, warning
from contracts.topics import READ_BY, Topic


def notifier(metadata: Mapping[str, Any]) -> Iterator[Finding]:
    """What the notifier's sidecar says of itself."""
    where = "the notifier's sidecar"
    if not (metadata.get("appConnectionProperties") or {}).get("health"):
        wrong = "the app health check is off: notices go to a notifier that is not ready"
        right = "run the sidecar with --enable-app-health-check"
        yield refusal(where, wrong, right, "P6, P7")
    if not metadata.get("resiliencies"):
        wrong = "it has no resiliency policy: a notice that is to be retried is lost"
        yield refusal(where, wrong, "scope components/resiliency.yaml to notifier too", "P6")
    taken = {one["topic"]: one for one in metadata.get("subscriptions") or []}
    for topic in (topic for topic, app in READ_BY.items() if app == "notifier"):
        if topic not in taken:
            right = "let pubsub's subscriptionScopes name it for notifier"
            yield refusal(where, f"it is not subscribed to {topic}", right, "P6")
    letters = taken.get(Topic.DEAD_LETTERS) or {}
    if letters and (letters.get("metadata") or {}).get("rawPayload") != "true":
        wrong = f"{Topic.DEAD_LETTERS} is not heard raw: what is no CloudEvent never arrives"
        yield refusal(where, wrong, "leave the subscription to the code", "P8")


def alike(versions: Mapping[str, str]) -> Iterator[Finding]:
    """Sidecars of one installation are of one version, but during an upgrade."""
    if len(set(versions.values())) > 1:
        told = ", ".join(f"{app} {version}" for app, version in sorted(versions.items()))
        yield warning("the Dapr runtime", f"sidecars differ: {told}", "one version", "all")


def etcd(takes_json: bool) -> Iterator[Finding]:
    """Any web page can send JSON to a port of this machine, and so commands to such an etcd."""
    if takes_json:
        wrong = "its etcd takes commands over plain HTTP: any web page can remove all timers"
        right = "have Usher build the runtime: move away the daprd of ~/.dapr/bin and of PATH"
        yield warning("the scheduler", wrong, right, "all")
