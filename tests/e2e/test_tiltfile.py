"""The Tiltfile, run in real Starlark against a stand-in for Tilt: what it asks Tilt to do."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import starlark
import yaml

from tests.support.kustomize import Kustomize
from tests.support.stack import ROOT
from tests.support.tilt import Call, Tilt
from usher.stack.runtime import RUNTIME
from usher.stack.settings import StackSettings

STACK = StackSettings.model_construct()  # the defaults, whatever the environment says
SERVICES = ("starter", "orchestrator", "notifier")


Run = Callable[..., dict[str, list[Call]]]


@pytest.fixture(scope="module")
def tilt(kustomize: Kustomize) -> Run:
    """Runs the Tiltfile; an answer of the stand-in can be another one."""
    answers: dict[str, Any] = {
        "k8s_context": "kind-anything",
        "kustomize": lambda call: kustomize.rendered(ROOT / call["pathToDir"]),
        "decode_yaml_stream": lambda call: list(yaml.safe_load_all(call["yaml"])),
        "port_forward": lambda call: f"{call['local_port']}:{call['container_port']}",
    }
    return lambda **other: Tilt(answers | other).run(ROOT / "Tiltfile")


@pytest.fixture(scope="module")
def asked(tilt: Run) -> dict[str, list[Call]]:
    return tilt()


@pytest.fixture(scope="module")
def deployed(asked: dict[str, list[Call]]) -> list[Any]:
    (call,) = asked["k8s_yaml"]
    return list(yaml.safe_load_all(call["yaml"]))


def resources(asked: dict[str, list[Call]]) -> dict[str, Call]:
    return {call.get("workload") or call["new_name"]: call for call in asked["k8s_resource"]}


def test_any_cluster_but_kind_is_refused(tilt: Run) -> None:
    with pytest.raises(starlark.StarlarkError, match="not for production"):
        tilt(k8s_context="production")


def test_every_file_it_names_is_there(asked: dict[str, list[Call]]) -> None:
    (manifests,), (image,) = asked["kustomize"], asked["docker_build"]
    assert (ROOT / manifests["pathToDir"] / "kustomization.yaml").is_file()
    assert (ROOT / image["context"]).is_dir()


def test_it_builds_the_image_that_the_services_run(
    asked: dict[str, list[Call]], deployed: list[Any]
) -> None:
    (image,) = asked["docker_build"]
    of_services = {
        found["spec"]["template"]["spec"]["containers"][0]["image"]
        for found in deployed
        if "template" in found.get("spec", {}) and found["metadata"]["name"] in SERVICES
    }
    assert of_services == {image["ref"]}


def test_every_workload_is_a_resource_of_its_own_name(
    asked: dict[str, list[Call]], deployed: list[Any]
) -> None:
    workloads = {d["metadata"]["name"] for d in deployed if "template" in d.get("spec", {})}
    assert set(resources(asked)) == workloads | {"components"}


def test_swagger_ui_is_on_30080_and_jaeger_on_16686(asked: dict[str, list[Call]]) -> None:
    forwards = {name: call.get("port_forwards") for name, call in resources(asked).items()}
    assert forwards == {
        "components": None,
        "redis": None,
        "jaeger": ["16686:16686"],
        "starter": [f"30080:{STACK.starter_port}"],
        "orchestrator": [f"30081:{STACK.orchestrator_port}"],
        "notifier": [f"30082:{STACK.notifier_port}"],
    }
    (swagger,) = [one for one in asked["port_forward"] if one["local_port"] == 30080]
    assert swagger["link_path"] == "/docs"


def test_a_service_waits_for_redis_and_for_dapr_and_its_resources(
    asked: dict[str, list[Call]], deployed: list[Any]
) -> None:
    """A pod that is made before the injector listens has no sidecar."""
    found = resources(asked)
    (dapr,) = asked["local_resource"]
    assert found["components"]["resource_deps"] == [dapr["name"]]
    for service in SERVICES:
        assert found[service]["resource_deps"] == ["components", "redis"]
    of_dapr = [d for d in deployed if d["apiVersion"].startswith("dapr.io/")]
    named = [f"{d['metadata']['name']}:{d['kind']}" for d in of_dapr]
    assert named
    assert found["components"]["objects"] == named


def test_the_dapr_that_it_installs_is_the_one_that_the_tests_run(
    asked: dict[str, list[Call]],
) -> None:
    (dapr,) = asked["local_resource"]
    assert f"--runtime-version {RUNTIME.version})" in dapr["cmd"]


@pytest.mark.parametrize("command", ["status", "init"])
def test_the_dapr_cli_knows_what_it_is_told(
    asked: dict[str, list[Call]], dapr_cli: Path, command: str
) -> None:
    (dapr,) = asked["local_resource"]
    (arguments,) = re.findall(rf"dapr {command} ([^|&)]+)", dapr["cmd"])
    told = subprocess.run(
        [dapr_cli, command, "--help"], capture_output=True, text=True, check=True, timeout=20
    )
    for flag in re.findall(r"(?<!\S)--?[a-z-]+", arguments):
        assert re.search(rf"^ .*(?<![\w-]){flag}(?![\w-])", told.stdout, re.MULTILINE), flag
