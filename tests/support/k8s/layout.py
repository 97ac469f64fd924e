"""Where a cluster keeps its files, and the addresses in its own network."""

from dataclasses import dataclass
from pathlib import Path

NODE = "usher"
NODE_ADDRESS = "10.99.0.1"
GATEWAY = "10.99.0.2"
"""Of the default route; nobody is there. Kubernetes takes the node's address from the route."""
PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"
"""Of the API server, as Kubernetes itself chooses it: the first of `SERVICES`."""
NAMES_ADDRESS = "10.96.0.10"
"""Of CoreDNS, as coredns.yaml says."""
API = f"https://{NODE_ADDRESS}:6443"
CONTAINERD = "/run/containerd.sock"
"""Within the cluster's own /run, as everything that several clusters would share."""
VOLUMES = 16


@dataclass(frozen=True)
class Layout:
    """The state folder of one cluster. Two clusters run beside each other in two folders."""

    state: Path

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def volumes(self) -> Path:
        return self.state / "volumes"

    @property
    def stopped(self) -> Path:
        """Its files name the components of the node that are to be stopped."""
        return self.state / "stopped"

    @property
    def owner(self) -> Path:
        """Which process has everything of the cluster for its children."""
        return self.state / "owner.json"

    @property
    def cgroup(self) -> str:
        """The name of the cluster's own cgroup in each hierarchy."""
        return f"usher-k8s-{str(self.state).strip('/').replace('/', '-')}"

    def kubeconfig(self, name: str = "admin") -> Path:
        return self.pki / f"{name}.conf"
