"""Rendered Kubernetes manifests, as tests look at them."""

import re
import shutil
from pathlib import Path

import yaml

from tests.support.kustomize import Kustomize, Resource
from tests.support.stack import ROOT

SERVICES = ("starter", "orchestrator", "notifier")
NAME = "app.kubernetes.io/name"
USHERS_PODS = {"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "usher"}}}
COMPONENTS = ROOT / "deploy" / "k8s" / "components"


def overlay(kustomize: Kustomize, folder: Path, *components: str) -> list[Resource]:
    """Render the base with components, as an overlay of a user's own does."""
    for name in ("components", "component-sets", "deploy/k8s"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    mine = folder / "deploy" / "k8s" / "mine"
    mine.mkdir()
    used = [f"../components/{name}" for name in components]
    document = {"resources": ["../base"], "components": used}
    (mine / "kustomization.yaml").write_text(yaml.safe_dump(document))
    return kustomize.resources(mine)


def of_kind(manifests: list[Resource], *kinds: str) -> dict[str, Resource]:
    found = [resource for resource in manifests if resource["kind"] in kinds]
    assert found
    return {resource["metadata"]["name"]: resource for resource in found}


def workloads(manifests: list[Resource]) -> dict[str, Resource]:
    return of_kind(manifests, "Deployment", "StatefulSet")


def pods(manifests: list[Resource]) -> dict[str, Resource]:
    """Return the pod template of each workload."""
    return {name: one["spec"]["template"] for name, one in workloads(manifests).items()}


def container(pod: Resource) -> Resource:
    (only,) = pod["spec"]["containers"]
    found: Resource = only
    return found


def environment(manifests: list[Resource], pod: Resource) -> dict[str, str]:
    """Return a container's variables. One from a field of its pod has the name of that field."""
    found = {}
    for one in container(pod).get("env", []):
        source = one.get("valueFrom", {})
        if secret := source.get("secretKeyRef"):
            found[one["name"]] = secret_value(manifests, secret["name"], secret["key"])
        else:
            found[one["name"]] = one.get("value", source.get("fieldRef", {}).get("fieldPath"))
    return found


def of_sidecar(manifests: list[Resource], pod: Resource) -> dict[str, str]:
    """Return the variables of a pod's sidecar, split as the injector splits them."""
    annotations = pod["metadata"]["annotations"]
    found = _split(annotations.get("dapr.io/env", ""))
    for name, secret in _split(annotations.get("dapr.io/env-from-secret", "")).items():
        found[name] = secret_value(manifests, *secret.split(":"))
    return found


def secret_value(manifests: list[Resource], name: str, key: str) -> str:
    """Return what a secret holds; `name:key` for one that users make themselves."""
    made = {one["metadata"]["name"]: one for one in manifests if one["kind"] == "Secret"}
    return str(made[name]["stringData"][key]) if name in made else f"{name}:{key}"


def _split(variables: str) -> dict[str, str]:
    parts = re.split(r",\s*(?=[A-Za-z_]\w*=)", variables)
    return dict(part.strip().split("=", 1) for part in parts if part)
