"""What the cluster needs besides Kubernetes: CoreDNS, and Dapr's control plane by its chart."""

import json
from pathlib import Path

from tests.support.dapr_module import fetch_dapr_module
from tests.support.driver import eventually
from tests.support.k8s.cluster import Cluster
from tests.support.k8s.images import REGISTRY
from tests.support.k8s.programs import DAPR
from usher.stack.program import Report

NAMES = Path(__file__).with_name("coredns.yaml")
NAMESPACE = "dapr-system"
VALUES = {
    "global.registry": REGISTRY,
    "global.tag": DAPR.version,  # the chart says `edge`
    "dapr_sidecar_injector.sidecarDropALLCapabilities": "true",  # as `restricted` namespaces want
}
PROBE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "probe",
        "annotations": {"dapr.io/enabled": "true", "dapr.io/app-id": "probe"},
    },
    "spec": {"containers": [{"name": "app", "image": "none"}]},
}


def install_names(cluster: Cluster) -> None:
    """Install CoreDNS, and wait until it answers."""
    cluster.kubectl("apply", "--filename", str(NAMES))
    wait = ("rollout", "status", "deployment/coredns", "--namespace", "kube-system")
    cluster.kubectl(*wait, "--timeout=120s", seconds=150)


def install_dapr(cluster: Cluster, report: Report) -> None:
    """Install it, and wait until pods get their sidecars."""
    report("installing Dapr's control plane")
    chart = fetch_dapr_module(report).chart
    values = [word for name, value in VALUES.items() for word in ("--set", f"{name}={value}")]
    where = ("--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout", "6m")
    cluster.check("helm", "install", "dapr", chart, *where, *values, seconds=400)
    # All pods are ready a moment before the API server reaches the injector. A pod that is made
    # then gets no sidecar, and none later.
    eventually(lambda: _injects(cluster), bool, 60)


def _injects(cluster: Cluster) -> bool:
    """Whether a pod that is only tried gets a sidecar."""
    tried = cluster.run(
        *("kubectl", "create", "--dry-run=server", "--output=json", "--filename=-"),
        given=json.dumps(PROBE),
    )
    return tried.returncode == 0 and "daprd" in tried.stdout
