"""The network policies of the Kubernetes manifests: who reaches what, as far as they say it."""

import pytest

from tests.support.kustomize import Kustomize, Resource
from tests.support.manifests import NAME, SERVICES, USHERS_PODS, container, of_kind, pods
from tests.support.stack import ROOT
from usher.stack.settings import StackSettings

STACK = StackSettings.model_construct()  # the defaults, whatever the environment says
PUBLIC = 3501
"""The sidecar's health, which it answers on every address of its pod."""


@pytest.fixture(scope="module", params=["base", "kind"])
def manifests(request: pytest.FixtureRequest, kustomize: Kustomize) -> list[Resource]:
    return kustomize.resources(ROOT / "deploy" / "k8s" / request.param)


def selects(policy: Resource, labels: dict[str, str]) -> bool:
    selector = policy["spec"]["podSelector"]
    wanted = {one["key"]: one["values"] for one in selector.get("matchExpressions", ())}
    wanted |= {key: [value] for key, value in selector.get("matchLabels", {}).items()}
    return all(labels.get(key) in values for key, values in wanted.items())


def opened(manifests: list[Resource], name: str, foreign: bool) -> set[int | str] | None:
    """Return the ports of a workload that open to a pod of Usher's, or to a foreign one.

    None stands for all of them: no policy is about its incoming connections.
    """
    labels = pods(manifests)[name]["metadata"]["labels"]
    ports: set[int | str] | None = None
    for policy in of_kind(manifests, "NetworkPolicy").values():
        if not selects(policy, labels) or "Ingress" not in policy["spec"]["policyTypes"]:
            continue
        ports = ports or set()
        for rule in policy["spec"].get("ingress", ()):
            if not foreign or not rule.get("from"):
                ports |= {port["port"] for port in rule["ports"]}
    return ports


def test_a_foreign_pod_reaches_the_two_doors_and_nothing_else(manifests: list[Resource]) -> None:
    assert {name: opened(manifests, name, foreign=True) for name in SERVICES} == {
        "starter": {"http"},
        "notifier": {"http"},
        "orchestrator": set(),
    }
    assert opened(manifests, "redis", foreign=True) == set()


def test_ushers_own_pods_reach_services_and_sidecars(manifests: list[Resource]) -> None:
    for name in SERVICES:
        assert opened(manifests, name, foreign=False) == {"http", 50002}
        (port,) = container(pods(manifests)[name])["ports"]
        assert port["name"] == "http"
    assert opened(manifests, "redis", foreign=False) == {"redis"}


def test_nobody_reaches_a_topic_server_or_the_health_of_a_sidecar(
    manifests: list[Resource],
) -> None:
    """The sidecar beside it, and the kubelet's probes, need no policy."""
    closed = {STACK.orchestrator_topic_port, STACK.notifier_topic_port, PUBLIC, 3500, 50001}
    for name in SERVICES:
        assert not closed & (opened(manifests, name, foreign=False) or closed)


def test_no_pod_reaches_more_than_it_needs(manifests: list[Resource]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    assert policies["redis"]["spec"]["egress"] == []
    assert {"Ingress", "Egress"} == set(policies["services"]["spec"]["policyTypes"])
    reached = [peer for rule in policies["services"]["spec"]["egress"] for peer in rule["to"]]
    assert reached == [
        USHERS_PODS,
        *(
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
            for namespace in ("dapr-system", "kube-system")
        ),
    ]


def test_only_ushers_own_pods_reach_redis(manifests: list[Resource]) -> None:
    (rule,) = of_kind(manifests, "NetworkPolicy")["redis"]["spec"]["ingress"]
    assert rule["from"] == [USHERS_PODS]
    for name in (*SERVICES, "redis"):
        assert pods(manifests)[name]["metadata"]["labels"][NAME] == name
