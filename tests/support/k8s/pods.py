"""Pods of the cluster as seen from the machine: their processes, and their networks."""

import ctypes
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.k8s.cluster import Cluster
from tests.support.k8s.node import CGROUPS

CLONE_NEWNET = 0x40000000
Pod = dict[str, Any]


def processes(cluster: Cluster, pod: Pod) -> dict[str, int]:
    """Return the first process of each running container, by the container's name."""
    status = pod["status"]
    states = [*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())]
    running = {
        one["name"]: one["containerID"].partition("://")[2]
        for one in states
        if "running" in one.get("state", {})
    }
    service = status.get("qosClass", "").lower().replace("guaranteed", "")
    folder = CGROUPS / "pids" / cluster.layout.cgroup / "kubepods" / service
    folder /= f"pod{pod['metadata']['uid']}"
    found = {name: _pids(folder / container) for name, container in running.items()}
    return {name: min(pids) for name, pids in found.items() if pids}


def network(cluster: Cluster, pod: Pod) -> Path | None:
    """Return the network namespace of a pod that has a running container."""
    found = processes(cluster, pod)
    return Path(f"/proc/{next(iter(found.values()))}/ns/net") if found else None


def enter(namespace: Path) -> None:
    """Move this thread, and no other, into a network."""
    with namespace.open("rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


def in_network_of(cluster: Cluster, name: str, words: Sequence[str]) -> int:
    """Run a command of this machine in the network of a pod, and return its exit code."""
    namespace, _, pod = name.rpartition("/")
    found = cluster.get("pod", pod, "--namespace", namespace or "default")
    inside = network(cluster, found)
    assert inside, f"pod {name} has no running container"
    return subprocess.run(["nsenter", f"--net={inside}", *words], env=os.environ).returncode


def _pids(folder: Path) -> list[int]:
    try:
        return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
    except OSError:
        return []
