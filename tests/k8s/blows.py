"""What a storm does to a cluster: pods deleted, a rollout, a sidecar cut off, no kubelet."""

import json
import shutil
import threading
from collections.abc import Callable

from tests.chaos.blows import kill_process
from tests.support.k8s.control_plane import NAMESPACE
from tests.support.k8s.deployed import Deployed
from usher.stack.stack import Stack

CUT_SECONDS = 30
KUBELET_SECONDS = 20
WORKFLOWS = "workflows"
_CUT = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "storm"},
    "spec": {
        "podSelector": {"matchLabels": {"storm": "cut"}},
        "policyTypes": ["Ingress", "Egress"],
    },
}


def strike(stack: Stack, target: str) -> bool:
    """Strike a target of `TARGETS`, or kill the process of this name."""
    assert isinstance(stack, Deployed)
    if target in _STRIKES:
        return _STRIKES[target](stack)
    return kill_process(stack, target)


def _delete_pod(service: str) -> Callable[[Deployed], bool]:
    def delete(stack: Deployed) -> bool:
        there = bool(stack.pods(service, fresh=True))
        if there:
            stack.kill_pod(service)
        return there

    return delete


def _delete_control_plane(pod: str) -> Callable[[Deployed], bool]:
    def delete(stack: Deployed) -> bool:
        force = ("--grace-period=0", "--force", "--wait=false")
        stack.cluster.kubectl("delete", "pod", pod, "--namespace", NAMESPACE, *force)
        return True

    return delete


def _roll_out(stack: Deployed) -> bool:
    """Deploy changed code: the same workflows, and one more."""
    (old,) = stack.settings.workflows
    new = old.with_name(f"{WORKFLOWS}-changed")
    shutil.copytree(old, new, dirs_exist_ok=True)
    text = (new / "storm.py").read_text()
    (new / "storm.py").write_text(f"{text}\n\nCHANGED = True\n")
    stack.overlay.replaced[old] = new
    stack.overlay.write()
    stack.kubectl("apply", "--kustomize", str(stack.overlay.folder))
    return True


def _cut_off(stack: Deployed) -> bool:
    """Cut one orchestrator with its sidecar off from everything, for a while."""
    pods = stack.pods("orchestrator", fresh=True)
    if not pods or not pods[0]["status"].get("podIP"):
        return False
    name, address = pods[0]["metadata"]["name"], pods[0]["status"]["podIP"]
    stack.kubectl("apply", "--filename=-", given=json.dumps(_CUT))
    stack.kubectl("label", "pod", name, "storm=cut")
    # What is connected stays so, unless the firewall forgets it.
    for direction in ("--src", "--dst"):
        stack.cluster.run("conntrack", "--delete", direction, address)
    _later(CUT_SECONDS, lambda: stack.kubectl("delete", "networkpolicy", "storm"))
    return True


def _stop_kubelet(stack: Deployed) -> bool:
    marker = stack.cluster.layout.stopped / "kubelet"
    marker.touch()
    _later(KUBELET_SECONDS, marker.unlink)
    return True


def _later(seconds: float, work: Callable[[], object]) -> None:
    threading.Timer(seconds, work).start()


_STRIKES: dict[str, Callable[[Deployed], bool]] = {
    "the pod of orchestrator": _delete_pod("orchestrator"),
    "the pod of notifier": _delete_pod("notifier"),
    "the pod of starter": _delete_pod("starter"),
    "the pod of redis": _delete_pod("redis"),
    "the pod of scheduler": _delete_control_plane("dapr-scheduler-server-0"),
    "the pod of placement": _delete_control_plane("dapr-placement-server-0"),
    "a rollout": _roll_out,
    "the network of orchestrator": _cut_off,
    "the kubelet": _stop_kubelet,
}
TARGETS = tuple(_STRIKES)
