"""The Kubernetes manifests, rendered by the real kustomize, against the schemas of all they are.

No cluster runs here: this is what a cluster would say of each on its own. What they say together
is in `test_kubernetes_manifests.py`.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from tests.support.dapr_module import DaprModule
from tests.support.keda_module import KedaModule
from tests.support.kustomize import Kustomize, Resource
from tests.support.manifests import overlay
from tests.support.stack import ROOT

BASE, KIND = ROOT / "deploy" / "k8s" / "base", ROOT / "deploy" / "k8s" / "kind"
OLDEST, NEWEST = "1.29", "1.37"
"""Native sidecars are there without asking since 1.29."""
QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|[MGTPE]|[KMGTPE]i)?")
"""`64Mi`, `100m`: to the schemas any text is one, a cluster refuses others."""


Validate = Callable[[Resource, str], None]


REDIS = ("redis-elsewhere", "postgres", "tracing", "tokens", "keda", "prometheus")
KAFKA = ("kafka", "postgres", "tracing", "tokens", "keda-kafka", "prometheus")


@pytest.fixture(scope="module", params=[BASE, KIND, REDIS, KAFKA], ids=["base", "kind", "r", "k"])
def manifests(
    request: pytest.FixtureRequest, kustomize: Kustomize, tmp_path_factory: pytest.TempPathFactory
) -> list[Resource]:
    if isinstance(request.param, tuple):
        return overlay(kustomize, tmp_path_factory.mktemp("deploy"), *request.param)
    return kustomize.resources(request.param)


@pytest.fixture(scope="module")
def validate(dapr_module: DaprModule, keda_module: KedaModule) -> Validate:
    modules: dict[str, DaprModule | KedaModule] = {"dapr.io": dapr_module, "keda.sh": keda_module}

    def against_its_schema(resource: Resource, version: str) -> None:
        if module := modules.get(resource["apiVersion"].partition("/")[0]):
            schema = module.schema(resource["apiVersion"], resource["kind"])
            jsonschema.Draft202012Validator(schema).validate(resource)
        else:
            kubernetes_validate.validate(resource, version, strict=True)

    return against_its_schema


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_resource_is_what_its_schema_wants(
    manifests: list[Resource], validate: Validate, version: str
) -> None:
    kinds = {resource["kind"] for resource in manifests}
    assert {"Deployment", "StatefulSet", "Component", "Resiliency"} <= kinds
    for resource in manifests:
        validate(resource, version)


@pytest.mark.parametrize(
    ("kind", "path", "wrong"),
    [
        ("Deployment", ("spec", "template", "spec", "enableServiceLink"), False),
        ("Deployment", ("spec", "replicas"), "one"),
        ("NetworkPolicy", ("spec", "ingres"), []),
        ("Component", ("spec", "initTimeouts"), "5s"),
        ("Component", ("spec", "metadata"), {"redisHost": "redis:6379"}),
        ("Resiliency", ("spec", "targets", "component"), {}),
        ("ScaledObject", ("spec", "minReplicas"), 3),
        ("ScaledObject", ("spec", "triggers"), [{"type": "kafka"}]),
        ("TriggerAuthentication", ("spec", "secretTargetRef"), [{"parameter": "address"}]),
    ],
)
def test_a_schema_refuses_what_it_does_not_know(
    kustomize: Kustomize,
    validate: Validate,
    kind: str,
    path: tuple[str, ...],
    wrong: Any,
    tmp_path: Path,
) -> None:
    manifests = overlay(kustomize, tmp_path, "keda")
    resource = next(one for one in manifests if one["kind"] == kind)
    validate(resource, NEWEST)
    *parents, name = path
    place: Any = resource
    for parent in parents:
        place = place[parent]
    place[name] = wrong
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        validate(resource, NEWEST)


def test_every_annotation_of_dapr_is_one_that_its_injector_reads(
    manifests: list[Resource], dapr_module: DaprModule
) -> None:
    """The injector ignores a name that it does not know, and a number that is none."""
    kinds = dapr_module.annotations()
    read = set()
    for resource in manifests:
        template = resource.get("spec", {}).get("template", {}).get("metadata", {})
        for name, value in template.get("annotations", {}).items():
            assert name in kinds
            read.add(name)
            if kinds[name] == "bool":
                assert value in ("true", "false"), name
            elif kinds[name].startswith("int"):
                assert value.isdecimal(), name
            else:
                assert (kinds[name], bool(value)) == ("string", True), name
    assert "dapr.io/app-id" in read


def quantities(found: Any, below: str = "") -> Iterator[str]:
    """Yield every amount of something in a resource, and in what the injector makes of it."""
    if isinstance(found, list):
        for part in found:
            yield from quantities(part, below)
    elif isinstance(found, dict):
        for name, value in found.items():
            within = name in ("requests", "limits", "sizeLimit")
            yield from quantities(value, name if within else below)
            if re.fullmatch(r"dapr\.io/sidecar-(cpu|memory)-.*|dapr\.io/max-body-size", name):
                yield value
    elif below:
        yield str(found)


def test_every_amount_is_one(manifests: list[Resource]) -> None:
    amounts = list(quantities(manifests))
    assert len(amounts) > 20
    assert [amount for amount in amounts if not QUANTITY.fullmatch(amount)] == []


def test_a_pod_without_a_sidecar_is_refused_by_a_policy_that_a_cluster_takes(
    kustomize: Kustomize, tmp_path: Path
) -> None:
    """Such policies are there without asking since Kubernetes 1.30."""
    manifests = overlay(kustomize, tmp_path, "sidecar-required")
    policies = [one for one in manifests if one["kind"].startswith("ValidatingAdmissionPolicy")]
    assert len(policies) == 2
    for policy in policies:
        kubernetes_validate.validate(policy, "1.30", strict=True)
