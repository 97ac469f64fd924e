"""Checks of the resiliency policy: RETRY must mean that the event comes until it is served."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contracts.finding import Finding, refusal, warning
from contracts.routes.channels import OWN_COMPONENTS
from contracts.topics import LEDGER_STORE, PUBSUB, PUBSUB_ORDERED, READ_BY, STATE_STORE, Topic
from usher.doctor.durations import seconds
from usher.doctor.resources import Resource, of_type

_ORCHESTRATOR = frozenset({READ_BY[Topic.EVENTS]})
_HEARD = {
    PUBSUB: frozenset(READ_BY.values()),
    **dict.fromkeys((PUBSUB_ORDERED, *OWN_COMPONENTS), _ORCHESTRATOR),
}
"""Component → the apps that hear topics through it."""
_LEVELS = {
    "inbound": ("PubsubComponentInbound", "ComponentInbound", "Component", ""),
    "outbound": ("StatestoreComponentOutbound", "ComponentOutbound", "Component", ""),
}
"""Direction → the defaults of Dapr that hold for a component that no target names, in order."""
_FIELDS = {"policy", "duration", "maxInterval", "maxRetries", "matching"}


def resiliency(resources: Iterable[Resource], routed: Iterable[str] = ()) -> Iterator[Finding]:
    """Each broker has an inbound retry that never gives up, for each app that hears through it.

    `routed` are the components that routes name.
    """
    every = list(resources)
    policies = [one for one in every if one.kind == "Resiliency"]
    for broker, apps in (dict.fromkeys(routed, _ORCHESTRATOR) | _HEARD).items():
        for app in sorted(apps):
            mine = [one for one in policies if one.scopes is None or app in one.scopes]
            aimed = [(one, name) for one in mine if (name := _aimed(one, broker, "inbound"))]
            if not aimed:
                wrong = f"no inbound retry of {broker} for {app}: what it cannot serve is lost"
                where = "components/resiliency.yaml: spec.targets.components"
                right = "an inbound retry with maxRetries -1, or only the default, as delivered"
                yield refusal(where, wrong, right, "P2, P7")
            for one, name in aimed:
                yield from _retry(one, name, _timeout(every, broker))


def outages(resources: Iterable[Resource]) -> Iterator[Finding]:
    """The engine waits for its store; the ledger, which an error tells something, does not."""
    policies = [one for one in resources if one.kind == "Resiliency"]
    where = "components/resiliency.yaml: spec.targets.components"
    if not any(_aimed(one, STATE_STORE, "outbound") for one in policies):
        wrong = "no outbound retry: a turn that cannot be saved runs again, with all its activities"
        right = "an outbound retry for as long as an outage may take"
        yield warning(f"{where}.{STATE_STORE}", wrong, right, "P2, P7")
    if any(_aimed(one, LEDGER_STORE, "outbound") for one in policies):
        wrong = "an outbound retry: each event that comes again waits until it has given up"
        yield warning(f"{where}.{LEDGER_STORE}", wrong, "leave it out", "P7")


def _aimed(one: Resource, component: str, direction: str) -> str:
    """Return the name of the retry policy for calls of a component; "" where there is none."""
    targets = _at(one.spec, "targets", "components")
    if component in targets:  # then no default holds, not even for the other direction
        return str(_at(targets, component, direction).get("retry") or "")
    defaults = (f"Default{level}RetryPolicy" for level in _LEVELS[direction])
    return next((name for name in defaults if _at(one.spec, "policies", "retries", name)), "")


def _retry(one: Resource, name: str, timeout: float) -> Iterator[Finding]:
    policy = _at(one.spec, "policies", "retries", name)
    where = one.field(f"policies.retries.{name}")
    if not policy:
        yield refusal(where, "there is no such policy", "define it, with maxRetries -1", "P2, P7")
        return
    if unknown := sorted(set(policy) - _FIELDS):
        wrong = f"{', '.join(unknown)}: no such field; it is silently ignored"
        yield warning(where, wrong, f"fields are {', '.join(sorted(_FIELDS))}", "P7")
    retries = policy.get("maxRetries", -1)
    if retries != -1:
        budget = _budget(policy, int(retries))
        wrong = f"gives up after {retries} retries, some {budget:g} s"
        wrong += (
            f" (within the processingTimeout of {timeout:g} s)"
            if budget < timeout
            else f" (beyond the processingTimeout of {timeout:g} s)"
        )
        right = "-1: what is given up is acknowledged, though nobody served it"
        yield refusal(f"{where}.maxRetries", wrong, right, "P2, P7")
    if policy.get("matching"):
        wrong = "matching leaves some answers without a retry"
        yield refusal(f"{where}.matching", wrong, "leave it out", "P2")


def _budget(policy: Mapping[str, Any], retries: int) -> float:
    """Return roughly how many seconds so many retries take."""
    if policy.get("policy") != "exponential":
        return retries * (seconds(str(policy.get("duration", "5s"))) or 0)
    most = seconds(str(policy.get("maxInterval", "60s"))) or 60
    return float(sum(min(0.5 * 1.5**n, most) for n in range(min(retries, 1000))))


def _timeout(resources: Iterable[Resource], broker: str) -> float:
    for one in of_type(resources, "pubsub."):
        if one.name == broker:
            return seconds(one.option("processingTimeout") or "60s") or 0
    return 60


def _at(value: Any, *path: str) -> Mapping[str, Any]:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}
