"""Usher on the cluster: a stack whose processes run in pods, with the names that they have else."""

import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil

from contracts.services import SERVICES, Service
from tests.support.driver import eventually
from tests.support.k8s import control_plane
from tests.support.k8s.cluster import Cluster
from tests.support.k8s.forward import Forwarder
from tests.support.k8s.overlay import Overlay
from tests.support.k8s.pods import Pod, processes
from usher.stack.conf import LOGS
from usher.stack.program import Report
from usher.stack.secrets import Secrets
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack

NAME = "app.kubernetes.io/name"
# What follows the name of a pod's workload in the name of a process, by the container.
_CONTAINERS = {"app": "", "daprd": "-daprd", "redis": ""}
_CONTROL_PLANE = {"dapr-placement-server": "placement", "dapr-scheduler-server": "scheduler"}
_WORKLOADS = "deployments,statefulsets"
_KNOWN_SECONDS = 3
_SIDECAR_PORTS = {"dapr_http": 3500, "dapr_grpc": 50001}
_SERVICE_PORTS = {"starter": 8080, "orchestrator": 8081, "notifier": 8082}


class Deployed(Stack):
    """The deployment in one namespace. Its ports on this machine are those of `settings`."""

    def __init__(self, cluster: Cluster, namespace: str, settings: StackSettings) -> None:
        super().__init__(settings, [])
        self.cluster = cluster
        self.namespace = namespace
        self.overlay = Overlay(settings)
        self._known: tuple[float, list[Pod]] = (0, [])
        self._forwarder = Forwarder()

    def up(self, report: Report, *, fresh: bool = False) -> bool:  # noqa: ARG002
        """Apply `deploy/k8s/base` as people do, and wait until it is healthy. It is always new."""
        report(f"deploying Usher into the namespace {self.namespace}")
        self.cluster.kubectl("create", "namespace", self.namespace)
        self.overlay.write()
        self.kubectl("apply", "--kustomize", str(self.overlay.folder))
        self._forward()
        self.wait_healthy(300)
        return True

    def down(self, report: Report) -> None:
        """Remove the namespace with all that is in it."""
        report(f"removing the namespace {self.namespace}")
        self._forwarder.close()
        words = ("delete", "namespace", self.namespace, "--ignore-not-found")
        self.cluster.kubectl(*words, seconds=180)

    def is_up(self) -> bool:
        return self.cluster.is_up()

    @property
    def secrets(self) -> Secrets:
        """None: the component `tokens` is not applied."""
        return Secrets()

    def log_path(self, name: str) -> Path:
        """Return a file of what a service or its sidecar has written since it started."""
        service, _, sidecar = name.partition("-")
        pod = self.pods(service, fresh=True)[0]["metadata"]["name"]
        container = "daprd" if sidecar else "app"
        log = self.settings.data_dir / LOGS / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(self.kubectl("logs", pod, "--container", container))
        return log

    def _forward(self) -> None:
        """Open the ports of the services, of their sidecars, and of Redis."""
        self._forwarder.add(self.settings.redis_port, partial(self._networks, "redis"), 6379)
        ports = self.settings.ports()
        for service in SERVICES:
            inside = {f"{service}_port": _SERVICE_PORTS[service]}
            inside |= {f"{service}_{kind}_port": port for kind, port in _SIDECAR_PORTS.items()}
            for field, port in inside.items():
                self._forwarder.add(ports[field], partial(self._networks, service), port)

    def names(self) -> list[str]:
        """Return the names of all processes; replicas of the orchestrator are numbered."""
        numbers = range(1, self.settings.replicas + 1)
        orchestrators = [f"orchestrator-{n}" if n > 1 else "orchestrator" for n in numbers]
        services = ["starter", *orchestrators, "notifier"]
        sidecars = [f"{name}-daprd" for name in services]
        return ["redis", *_CONTROL_PLANE.values(), *sidecars, *services]

    def pids(self) -> dict[str, int]:
        """Return the processes that run, by name."""
        found: dict[str, int] = {}
        seen: dict[str, int] = {}
        for pod in self.pods(fresh=True):
            name = pod["metadata"]["labels"].get(NAME, "")
            number = seen[name] = seen.get(name, 0) + 1
            name = f"{name}-{number}" if number > 1 else name
            for container, pid in processes(self.cluster, pod).items():
                if container in _CONTROL_PLANE:
                    found[_CONTROL_PLANE[container]] = pid
                elif container in _CONTAINERS:
                    found[name + _CONTAINERS[container]] = pid
        return found

    def pods(self, service: str = "", *, fresh: bool = False) -> list[Pod]:
        """Return the pods that are not being deleted, the oldest first; of one service, or all."""
        at, pods = self._known
        if fresh or time.monotonic() - at > _KNOWN_SECONDS:
            listed = self.cluster.get("pods", "--all-namespaces")["items"]
            ours = (self.namespace, control_plane.NAMESPACE)
            pods = sorted(
                (
                    pod
                    for pod in listed
                    if pod["metadata"]["namespace"] in ours
                    and "deletionTimestamp" not in pod["metadata"]
                ),
                key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]),
            )
            self._known = (time.monotonic(), pods)
        return [p for p in pods if service in ("", p["metadata"]["labels"].get(NAME))]

    def kill_pod(self, service: str, which: int = 0) -> str:
        """Delete one pod of a service at once, without a grace period; return its uid."""
        pod = self.pods(service, fresh=True)[which]["metadata"]
        force = ("--grace-period=0", "--force", "--wait=false")
        self.kubectl("delete", "pod", pod["name"], *force)
        return str(pod["uid"])

    def stop(self, name: str) -> None:
        """Scale what runs this process to nothing, and wait until its pods are gone."""
        workload, namespace = self._workload(name)
        self._scale(workload, namespace, 0)

        def left() -> list[str]:
            pods = self.cluster.get("pods", "--namespace", namespace)["items"]
            names = [pod["metadata"]["name"] for pod in pods]
            return [one for one in names if one.startswith(f"{workload}-")]

        eventually(left, lambda pods: not pods, 90)

    def start(self, name: str) -> None:
        """Scale it to as many as it had. Return before they are ready."""
        workload, namespace = self._workload(name)
        self._scale(workload, namespace, self.overlay.replicas(workload))

    def wait_healthy(self, timeout: float = 60) -> None:
        """Wait until every pod is ready, and every service answers that it is."""
        eventually(self._unready, lambda names: not names, timeout)

    def kubectl(self, *words: str, seconds: float = 60, given: str | None = None) -> str:
        """Run kubectl in the namespace."""
        return self.cluster.kubectl(
            *words, "--namespace", self.namespace, seconds=seconds, given=given
        )

    def _workload(self, name: str) -> tuple[str, str]:
        """Return name and namespace of what runs a process."""
        for container, process in _CONTROL_PLANE.items():
            if process == name:
                return container, control_plane.NAMESPACE
        return name.split("-")[0], self.namespace

    def _scale(self, workload: str, namespace: str, count: int) -> None:
        there = self.cluster.get(_WORKLOADS, "--namespace", namespace)["items"]
        kinds = {one["metadata"]["name"]: one["kind"] for one in there}
        words = (f"{kinds[workload]}/{workload}", f"--replicas={count}", "--namespace", namespace)
        self.cluster.kubectl("scale", *words)

    def _unready(self) -> list[str]:
        listed = self.cluster.get(_WORKLOADS, "--namespace", self.namespace)
        behind = [one["metadata"]["name"] for one in listed["items"] if not _is_settled(one)]
        return behind or [name for name in SERVICES if not self._answers(name)]

    def _answers(self, service: Service) -> bool:
        url = f"{self.settings.url(service)}/readyz"
        try:
            return httpx.get(url, timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def _networks(self, service: str) -> list[Path]:
        """Return the networks of the pods that are ready; of all pods where none is."""
        for fresh in (False, True):
            pods = self.pods(service, fresh=fresh)
            found = self._running(filter(_is_ready, pods)) or self._running(pods)
            if found:
                return found
        return []

    def _running(self, pods: Iterable[Pod]) -> list[Path]:
        firsts = (min(processes(self.cluster, pod).values(), default=0) for pod in pods)
        return [Path(f"/proc/{pid}/ns/net") for pid in firsts if pid and psutil.pid_exists(pid)]


def _is_ready(pod: Pod) -> bool:
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
    return conditions.get("Ready") == "True"


def _is_settled(workload: Mapping[str, Any]) -> bool:
    """Whether all of its pods are of its newest version, and ready."""
    wanted, status = workload["spec"]["replicas"], workload["status"]
    return bool(
        status.get("observedGeneration") == workload["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == wanted
        and status.get("readyReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
    )
