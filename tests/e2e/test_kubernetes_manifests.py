"""The Kubernetes manifests against the code they deploy: ports, settings, routes, flags, names.

Rendered by the real kustomize, run by nobody. Each on its own: `test_kubernetes_schemas.py`.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.sdk import environment_variables as of_opentelemetry
from pydantic_settings import BaseSettings

from notifier.settings import Settings as NotifierSettings
from orchestrator.settings import Settings as OrchestratorSettings
from starter.settings import Settings as StarterSettings
from tests.support.driver import Driver
from tests.support.kustomize import Kustomize, Resource
from tests.support.stack import ROOT
from usher.stack.processes import processes
from usher.stack.settings import StackSettings
from usher.stack.spec import Binaries, ProcessSpec

SERVICES = ("starter", "orchestrator", "notifier")
SETTINGS: dict[str, type[BaseSettings]] = {
    "starter": StarterSettings,
    "orchestrator": OrchestratorSettings,
    "notifier": NotifierSettings,
}
STACK = StackSettings.model_construct()  # the defaults, whatever the environment says
NAME = "app.kubernetes.io/name"

SAME_FLAGS = {
    # of daprd: (the pod annotation, the key of dapr.yaml)
    "app-id": ("dapr.io/app-id", "appID"),
    "app-port": ("dapr.io/app-port", "appPort"),
    "app-protocol": ("dapr.io/app-protocol", "appProtocol"),
    "enable-app-health-check": ("dapr.io/enable-app-health-check", "enableAppHealthCheck"),
    "app-health-probe-interval": ("dapr.io/app-health-probe-interval", "appHealthProbeInterval"),
    "app-health-probe-timeout": ("dapr.io/app-health-probe-timeout", "appHealthProbeTimeout"),
    "app-health-threshold": ("dapr.io/app-health-threshold", "appHealthThreshold"),
    "max-body-size": ("dapr.io/max-body-size", "maxBodySize"),
    "log-level": ("dapr.io/log-level", "logLevel"),
}
OF_ONE_MACHINE = re.compile(
    r"dapr-|metrics-|placement-|scheduler-|resources-path|app-channel-|config"
)
"""Flags for what each way to run has its own of: ports, addresses, folders."""
OF_KUBERNETES = re.compile(
    r"dapr\.io/(enabled|enable-native-sidecar|env|config|disable-builtin-k8s-secret-store|sidecar-.*)"
)


@pytest.fixture(scope="module", params=["base", "kind"])
def manifests(request: pytest.FixtureRequest, kustomize: Kustomize) -> list[Resource]:
    return kustomize.resources(ROOT / "deploy" / "k8s" / request.param)


def of_kind(manifests: list[Resource], *kinds: str) -> dict[str, Resource]:
    found = [resource for resource in manifests if resource["kind"] in kinds]
    assert found
    return {resource["metadata"]["name"]: resource for resource in found}


def pods(manifests: list[Resource]) -> dict[str, Resource]:
    """Return the pod template of each workload."""
    workloads = of_kind(manifests, "Deployment", "StatefulSet")
    return {name: workload["spec"]["template"] for name, workload in workloads.items()}


def container(pod: Resource) -> Resource:
    (only,) = pod["spec"]["containers"]
    found: Resource = only
    return found


def environment(pod: Resource) -> dict[str, str]:
    """Return a container's variables; one that names itself by a field of its pod is that field."""
    variables = container(pod).get("env", [])
    return {one["name"]: one.get("value") or str(one["valueFrom"]) for one in variables}


def of_sidecar(pod: Resource) -> dict[str, str]:
    """Return the variables of a pod's sidecar, split as the injector splits them."""
    text = pod["metadata"]["annotations"]["dapr.io/env"]
    parts = re.split(r",\s*(?=[A-Za-z_]\w*=)", text)
    return dict(part.strip().split("=", 1) for part in parts)


def flags(spec: ProcessSpec) -> dict[str, str]:
    """Return the flags of a command line; one without a value is `true`."""
    words = " ".join(spec.argv[1:]).split("--")[1:]
    named = (word.strip().partition(" ") for word in words)
    return {name: value or "true" for name, _, value in named}


def sidecars() -> dict[str, dict[str, str]]:
    nowhere = Path("nowhere")
    specs = processes(STACK, Binaries(nowhere, nowhere, nowhere, nowhere))
    ending = "-daprd"
    found = {s.name.removesuffix(ending): flags(s) for s in specs if s.name.endswith(ending)}
    assert set(found) == set(SERVICES)
    return found


def dapr_yaml() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((ROOT / "dapr.yaml").read_text())
    return {app["appID"]: {**document["common"], **app} for app in document["apps"]}


def as_flag(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_a_sidecar_is_told_the_same_wherever_it_runs(manifests: list[Resource]) -> None:
    for service, given in sidecars().items():
        annotations = pods(manifests)[service]["metadata"]["annotations"]
        told = {name: annotations.get(annotation) for name, (annotation, _) in SAME_FLAGS.items()}
        assert told == {name: given.get(name) for name in SAME_FLAGS}
        known = {annotation for annotation, _ in SAME_FLAGS.values()}
        assert [n for n in annotations if n not in known and not OF_KUBERNETES.fullmatch(n)] == []
        assert [n for n in given if n not in SAME_FLAGS and not OF_ONE_MACHINE.match(n)] == []


@pytest.mark.parametrize("service", ["orchestrator", "notifier"])
def test_dapr_run_tells_it_the_same_too(service: str) -> None:
    app, given = dapr_yaml()[service], sidecars()[service]
    told = {flag: as_flag(app[key]) for flag, (_, key) in SAME_FLAGS.items() if key in app}
    # Where it says nothing, daprd's own default is what the stack says.
    assert told | {"log-level": "info"} == {flag: given[flag] for flag in SAME_FLAGS}


def test_a_sidecar_has_the_configuration_that_it_has_in_the_stack(
    manifests: list[Resource],
) -> None:
    """There it is named by its file, here by its name."""
    there = {r["metadata"]["name"] for r in manifests if r["kind"] == "Configuration"}
    for service, given in sidecars().items():
        used = pods(manifests)[service]["metadata"]["annotations"].get("dapr.io/config")
        file = given.get("config")
        named = yaml.safe_load(Path(file).read_text())["metadata"]["name"] if file else None
        assert used == named
        assert used in there | {None}


def test_the_resources_of_dapr_are_the_files_that_every_other_way_uses(
    manifests: list[Resource],
) -> None:
    files = (ROOT / "components").glob("*.yaml")
    documents = [yaml.safe_load(file.read_text()) for file in files]
    wanted = {d["metadata"]["name"]: d for d in documents if d["kind"] != "Kustomization"}
    rendered = [r for r in manifests if r["apiVersion"].startswith("dapr.io/")]
    for resource in rendered:
        assert resource["metadata"].pop("labels") == {"app.kubernetes.io/part-of": "usher"}
    assert {resource["metadata"]["name"]: resource for resource in rendered} == wanted


def test_what_a_component_reads_from_the_environment_its_sidecars_have(
    manifests: list[Resource],
) -> None:
    """In Kubernetes daprd resolves `envRef` from what the annotation `dapr.io/env` names alone."""
    login = dict.fromkeys(("USHER_REDIS_USERNAME", "USHER_REDIS_PASSWORD"))
    wanted = {"USHER_REDIS_HOST": "redis:6379", **login}
    read = set()
    for component in of_kind(manifests, "Component").values():
        for option in component["spec"]["metadata"]:
            if "envRef" in option:
                read.add(option["envRef"])
                for app in component["scopes"]:  # Redis asks for no login there
                    given = of_sidecar(pods(manifests)[app]).get(option["envRef"])
                    assert given == wanted[option["envRef"]]
    assert read == set(wanted)


@pytest.mark.parametrize("service", SERVICES)
def test_ports_are_those_of_the_embedded_stack(manifests: list[Resource], service: str) -> None:
    pod, variables = pods(manifests)[service], environment(pods(manifests)[service])
    http = getattr(STACK, f"{service}_port")
    assert container(pod)["ports"] == [{"name": "http", "containerPort": http}]
    assert of_kind(manifests, "Service")[service]["spec"]["ports"] == [
        {"name": "http", "port": http, "targetPort": "http"}
    ]
    prefix = service.upper()
    assert variables[f"{prefix}_PORT"] == str(http)
    assert variables[f"{prefix}_HOST"] == "0.0.0.0"
    topic_port = getattr(STACK, f"{service}_topic_port", None)
    assert variables.get(f"{prefix}_TOPIC_PORT") == (str(topic_port) if topic_port else None)


def variables_of(settings: type[BaseSettings]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        yield alias if isinstance(alias, str) else f"{settings.model_config['env_prefix']}{name}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_is_a_setting(
    manifests: list[Resource], service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_service = {name.upper() for name in variables_of(SETTINGS[service])}
    of_tracing = {value for value in vars(of_opentelemetry).values() if isinstance(value, str)}
    of_tracing |= {"OTEL_EXPORTER_OTLP_INSECURE"}  # which daprd reads
    given = environment(pods(manifests)[service])
    assert set(given) <= of_service | of_tracing
    assert set(of_sidecar(pods(manifests)[service])) <= of_tracing | {"USHER_REDIS_HOST"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    SETTINGS[service]()  # each value is one that it takes


def test_a_service_looks_for_no_other_on_its_own_loopback(manifests: list[Resource]) -> None:
    looking = {
        service: {
            f"{settings.model_config['env_prefix']}{name}".upper()
            for name, field in settings.model_fields.items()
            if re.search(r"//127\.0\.0\.1:\d+", str(field.default))
        }
        for service, settings in SETTINGS.items()
    }
    assert any(looking.values())
    for service, names in looking.items():
        assert names <= set(environment(pods(manifests)[service]))


def test_no_variable_comes_from_the_name_of_a_service(manifests: list[Resource]) -> None:
    """Kubernetes sets STARTER_PORT=tcp://10.0.0.1:8080 in a pod beside a Service `starter`."""
    for service, settings in SETTINGS.items():
        assert f"{service}_port".upper() in {name.upper() for name in variables_of(settings)}
    assert all(pod["spec"]["enableServiceLinks"] is False for pod in pods(manifests).values())


@pytest.mark.parametrize("service", SERVICES)
def test_a_probe_asks_a_route_that_is_there(
    manifests: list[Resource], service: str, usher: Driver
) -> None:
    asked = container(pods(manifests)[service])
    probes = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    for probe, path in probes.items():
        assert asked[probe]["httpGet"] == {"path": path, "port": "http"}
        assert usher.http.get(usher.url(service, path)).is_success
    assert asked["command"] == ["python", "-m", service]
    assert asked["image"] == "usher"


def test_whoever_is_named_by_host_and_port_is_a_service_that_listens_there(
    manifests: list[Resource],
) -> None:
    listening = {
        f"{name}:{port['port']}"
        for name, service in of_kind(manifests, "Service").items()
        for port in service["spec"]["ports"]
    }
    for service in SERVICES:
        pod = pods(manifests)[service]
        said = " ".join([*environment(pod).values(), *of_sidecar(pod).values()])
        named = set(re.findall(r"\b[a-z]+:\d+", said))
        assert named
        assert named <= listening


def test_every_service_stands_before_one_workload_and_its_ports(manifests: list[Resource]) -> None:
    for name, service in of_kind(manifests, "Service").items():
        assert service["spec"]["selector"] == {NAME: name}
        pod = pods(manifests)[name]
        assert pod["metadata"]["labels"][NAME] == name
        ports = {port["name"] for port in container(pod)["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_every_pod_may_do_as_little_as_it_can(manifests: list[Resource]) -> None:
    for pod in pods(manifests).values():
        of_pod, of_container = pod["spec"]["securityContext"], container(pod)["securityContext"]
        assert of_pod["runAsNonRoot"] is True
        assert of_pod["runAsUser"] > 0
        assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert of_container == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        resources_of = container(pod)["resources"]
        assert {*resources_of["requests"], *resources_of["limits"]} == {"cpu", "memory"}
        assert pod["spec"]["automountServiceAccountToken"] is False
    for service in SERVICES:  # what would want that token
        annotations = pods(manifests)[service]["metadata"]["annotations"]
        assert annotations["dapr.io/disable-builtin-k8s-secret-store"] == "true"


def test_a_stop_leaves_time_for_the_service_and_then_for_its_sidecar(
    manifests: list[Resource],
) -> None:
    nowhere = Path("nowhere")
    specs = processes(STACK, Binaries(nowhere, nowhere, nowhere, nowhere))
    needed = {spec.name: spec.stop_seconds for spec in specs}
    for service in SERVICES:
        pod = pods(manifests)[service]
        given = pod["spec"]["terminationGracePeriodSeconds"]
        assert given >= needed[service] + needed[f"{service}-daprd"]
        # Only a native sidecar outlives its service.
        assert pod["metadata"]["annotations"]["dapr.io/enable-native-sidecar"] == "true"


def test_there_is_one_orchestrator_at_a_time(manifests: list[Resource]) -> None:
    """What hands it the events of an instance in their order counts within one sidecar."""
    found = of_kind(manifests, "Deployment")["orchestrator"]["spec"]
    assert (found["replicas"], found["strategy"]) == (1, {"type": "Recreate"})


def test_redis_keeps_what_it_acknowledged(manifests: list[Resource]) -> None:
    redis = of_kind(manifests, "StatefulSet")["redis"]["spec"]
    command = container(redis["template"])["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    (mount,) = container(redis["template"])["volumeMounts"]
    assert mount["mountPath"] == command[command.index("--dir") + 1]
    (claim,) = redis["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == mount["name"]


def test_no_pod_reaches_more_than_it_needs(manifests: list[Resource]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    assert policies["redis"]["spec"]["egress"] == []
    assert {"Ingress", "Egress"} == set(policies["services"]["spec"]["policyTypes"])
    reached = [peer for rule in policies["services"]["spec"]["egress"] for peer in rule["to"]]
    assert reached == [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "usher"}}},
        *(
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
            for namespace in ("dapr-system", "kube-system")
        ),
    ]
    if "jaeger" in of_kind(manifests, "Deployment"):
        (rule,) = policies["spans"]["spec"]["egress"]
        assert rule["to"] == [{"podSelector": {"matchLabels": {NAME: "jaeger"}}}]


def test_tokens_reach_a_service_and_its_sidecar_from_the_same_secrets(
    kustomize: Kustomize, tmp_path: Path
) -> None:
    deploy = shutil.copytree(ROOT / "deploy" / "k8s", tmp_path / "deploy" / "k8s")
    shutil.copytree(ROOT / "components", tmp_path / "components")
    (deploy / "mine").mkdir()
    overlay = {"resources": ["../base"], "components": ["../tokens"]}
    (deploy / "mine" / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    rendered = pods(kustomize.resources(deploy / "mine"))
    for service in ("orchestrator", "notifier"):
        annotations = rendered[service]["metadata"]["annotations"]
        refs = {
            one["name"]: one["valueFrom"]["secretKeyRef"]
            for one in container(rendered[service])["env"]
            if "valueFrom" in one
        }
        assert refs == {
            "DAPR_API_TOKEN": {"name": annotations["dapr.io/api-token-secret"], "key": "token"},
            "APP_API_TOKEN": {"name": annotations["dapr.io/app-token-secret"], "key": "token"},
        }
    assert "dapr.io/api-token-secret" not in rendered["starter"]["metadata"]["annotations"]


def test_no_policy_lets_anyone_at_a_topic_server(manifests: list[Resource]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    (selected,) = policies["services"]["spec"]["podSelector"]["matchExpressions"]
    assert (selected["key"], set(selected["values"])) == (NAME, set(SERVICES))
    (rule,) = policies["services"]["spec"]["ingress"]
    topic_ports = {STACK.orchestrator_topic_port, STACK.notifier_topic_port}
    opened = {port["port"] for port in rule["ports"]}
    assert "http" in opened
    assert not opened & topic_ports
    (rule,) = policies["redis"]["spec"]["ingress"]
    (sender,) = rule["from"]
    assert sender == {"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "usher"}}}
