"""The kustomize components: each does what it says, and all of them go together."""

from pathlib import Path

import pytest
import yaml

from tests.support.keda_module import KedaModule
from tests.support.kustomize import Kustomize, Resource
from tests.support.manifests import (
    COMPONENTS,
    SERVICES,
    container,
    environment,
    of_kind,
    of_sidecar,
    overlay,
    pods,
    secret_value,
    workloads,
)
from tests.support.stack import ROOT
from usher.stack.settings import StackSettings

TOGETHER = {
    "redis": ("postgres", "redis-elsewhere", "tracing", "tokens", "keda", "prometheus"),
    "kafka": ("keda-kafka", "kafka", "postgres", "sidecar-required", "tokens", "tracing"),
}


@pytest.fixture(scope="module")
def together(
    kustomize: Kustomize, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Resource]]:
    """All components, in two overlays."""
    return {
        name: overlay(kustomize, tmp_path_factory.mktemp(name), *components)
        for name, components in TOGETHER.items()
    }


def test_each_component_is_in_an_overlay_here() -> None:
    used = {name for components in TOGETHER.values() for name in components}
    assert used == {folder.name for folder in COMPONENTS.iterdir()}


@pytest.mark.parametrize(
    ("broker", "others"), [("redis", {"postgres"}), ("kafka", {"kafka", "postgres"})]
)
def test_the_resources_of_dapr_are_those_of_the_component_sets(
    together: dict[str, list[Resource]], broker: str, others: set[str]
) -> None:
    wanted = {file.name: file for file in (ROOT / "components").glob("*.yaml")}
    for name in others:
        wanted |= {file.name: file for file in (ROOT / "component-sets" / name).glob("*.yaml")}
    del wanted["kustomization.yaml"]
    documents = [yaml.safe_load(file.read_text()) for file in wanted.values()]
    rendered = [one for one in together[broker] if one["apiVersion"].startswith("dapr.io/")]
    for resource in rendered:
        del resource["metadata"]["labels"]
    key = "metadata"
    assert sorted(rendered, key=lambda one: one[key]["name"]) == sorted(
        documents, key=lambda one: one[key]["name"]
    )


@pytest.mark.parametrize("broker", TOGETHER)
def test_a_sidecar_has_every_variable_that_its_components_read(
    together: dict[str, list[Resource]], broker: str
) -> None:
    manifests = together[broker]
    for component in of_kind(manifests, "Component").values():
        for option in component["spec"]["metadata"]:
            name = option.get("envRef")
            if name not in (None, "USHER_CONSUMER_ID", "USHER_REDIS_USERNAME"):  # empty by default
                for app in component["scopes"]:
                    assert of_sidecar(manifests, pods(manifests)[app])[name]


@pytest.mark.parametrize("broker", TOGETHER)
def test_services_and_sidecars_send_their_spans_to_one_place(
    together: dict[str, list[Resource]], broker: str
) -> None:
    manifests, endpoint = together[broker], "OTEL_EXPORTER_OTLP_ENDPOINT"
    for service in SERVICES:
        pod = pods(manifests)[service]
        assert environment(manifests, pod)[endpoint] == "usher-tracing:endpoint"
        assert of_sidecar(manifests, pod) | {
            endpoint: "usher-tracing:endpoint",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_INSECURE": "usher-tracing:insecure",
        } == of_sidecar(manifests, pod)


def test_tokens_reach_a_service_and_its_sidecar_from_the_same_secrets(
    together: dict[str, list[Resource]],
) -> None:
    manifests = together["redis"]
    for service in ("orchestrator", "notifier"):
        pod = pods(manifests)[service]
        annotations, given = pod["metadata"]["annotations"], environment(manifests, pod)
        for name, secret in (("DAPR_API", "api"), ("APP_API", "app")):
            of_service = f"{annotations[f'dapr.io/{secret}-token-secret']}:token"
            assert given[f"{name}_TOKEN"] == of_service
    assert "dapr.io/api-token-secret" not in pods(manifests)["starter"]["metadata"]["annotations"]


def test_a_redis_elsewhere_takes_the_place_of_the_one_here(
    together: dict[str, list[Resource]],
) -> None:
    here = {(one["kind"], one["metadata"]["name"]) for one in together["redis"]}
    redis = {(kind, "redis") for kind in ("StatefulSet", "Service", "NetworkPolicy")}
    assert not here & {*redis, ("Secret", "usher-redis")}
    assert secret_value(together["redis"], "usher-redis", "url") == "usher-redis:url"


def test_the_doctor_in_a_pod_looks_at_the_files_that_are_served(
    together: dict[str, list[Resource]],
) -> None:
    for broker, manifests in together.items():
        given = environment(manifests, pods(manifests)["orchestrator"])
        said = {"broker": given.get("USHER_BROKER", "redis"), "state": given["USHER_STATE"]}
        assert said == {"broker": broker, "state": "postgres"}
        assert StackSettings.model_validate(said).state == "postgres"


@pytest.mark.parametrize("broker", TOGETHER)
def test_keda_scales_what_reads_a_topic_by_what_its_group_has_not_read(
    together: dict[str, list[Resource]], keda_module: KedaModule, broker: str
) -> None:
    manifests = together[broker]
    lag = {"redis": ("redis-streams", "stream"), "kafka": ("kafka", "topic")}
    kind, named = lag[broker]
    watched: dict[str, set[str]] = {}
    for name, scaled in of_kind(manifests, "ScaledObject").items():
        target = workloads(manifests)[name]
        assert scaled["spec"]["scaleTargetRef"] == {
            "apiVersion": target["apiVersion"],
            "kind": target["kind"],
            "name": name,
        }
        assert "replicas" not in target["spec"]  # or each `kubectl apply` would undo it
        assert scaled["spec"]["minReplicaCount"] == 3
        for trigger in scaled["spec"]["triggers"]:
            metadata = trigger["metadata"]
            assert (trigger["type"], metadata["consumerGroup"]) == (kind, name)
            assert [one for one in metadata if not keda_module.knows(kind, one)] == []
            watched.setdefault(name, set()).add(metadata[named])
            if variable := metadata.get("bootstrapServersFromEnv"):
                given = {one["name"] for one in container(target["spec"]["template"])["env"]}
                assert variable in given
    ordered = {"workflow-events"} if broker == "kafka" else set()  # one orchestrator reads Redis's
    assert watched == {
        "orchestrator": {"workflow-requests"} | ordered,
        "notifier": {"workflow-completions", "workflow-dead-letters"},
    }
    assert not keda_module.knows(kind, "lagCuont")


def test_no_policy_keeps_a_pod_from_what_it_reads_elsewhere(
    kustomize: Kustomize, tmp_path: Path
) -> None:
    names = ("redis-elsewhere", "kafka", "postgres", "tracing")
    manifests = overlay(kustomize, tmp_path, *names)
    policies = of_kind(manifests, "NetworkPolicy")
    ports = {name: policies[name]["spec"]["egress"][0]["ports"][0]["port"] for name in names}
    assert ports == {"redis-elsewhere": 6379, "kafka": 9092, "postgres": 5432, "tracing": 4318}
