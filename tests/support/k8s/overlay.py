"""The overlay of the tests: their workflows and folders in the orchestrator's pods."""

import os
from pathlib import Path
from typing import Any

import yaml

from contracts.services import SERVICES
from tests.support.k8s.cluster import ROOT
from usher.stack.settings import StackSettings

BASE = ROOT / "deploy" / "k8s" / "base"


class Overlay:
    """`deploy/k8s/base` with the workflows and routes of `settings`, and with folders shared.

    What is shared has the same path in the pods as here. Their user is not root.
    """

    def __init__(self, settings: StackSettings) -> None:
        self.folder = settings.data_dir / "overlay"
        self.shared: list[Path] = []
        self.replaced: dict[Path, Path] = {}
        """Folders of the pods that another folder of this machine is mounted at."""
        self.variables = {"USHER_STACK_DIR": str(settings.data_dir)}
        self._settings = settings

    def share(self, folder: Path) -> None:
        """Let the orchestrator write into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)
        self.shared.append(folder)

    def replicas(self, service: str) -> int:
        """Return how many pods of it there are. `settings` say it of the orchestrator."""
        return self._settings.replicas if service == "orchestrator" else 1

    def write(self) -> None:
        """Write the overlay into `folder`, for `kubectl apply --kustomize`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [os.path.relpath(BASE, self.folder.resolve())],
            "replicas": [{"name": name, "count": self.replicas(name)} for name in SERVICES],
            "patches": [
                {
                    "target": {"kind": "Deployment|StatefulSet", "name": "orchestrator"},
                    "patch": yaml.safe_dump(self._patch()),
                }
            ],
        }
        (self.folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))

    def _patch(self) -> dict[str, Any]:
        mounted = [*self._settings.workflows, *self._settings.routes, *self.shared]
        names = {path: f"shared-{number}" for number, path in enumerate(mounted)}
        variables = {**self._settings.served, **self.variables}
        app = {
            "name": "app",
            "env": [{"name": name, "value": value} for name, value in variables.items()],
            "volumeMounts": [{"name": n, "mountPath": str(path)} for path, n in names.items()],
        }
        sources = {n: self.replaced.get(path, path) for path, n in names.items()}
        volumes = [{"name": n, "hostPath": {"path": str(s)}} for n, s in sources.items()]
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "orchestrator"},
            "spec": {"template": {"spec": {"containers": [app], "volumes": volumes}}},
        }
