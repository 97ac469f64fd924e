"""docker-compose.yml, held against the embedded stack: one way to run Usher, in two places."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repo.files import ROOT, SERVICES
from usher.stack.processes import processes
from usher.stack.settings import StackSettings
from usher.stack.spec import Binaries

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
COMPOSED: dict[str, Any] = DOCUMENT["services"]
DEFAULT = re.compile(r"\$\{\w+:-(.*?)\}")
STACK = {name: field.default for name, field in StackSettings.model_fields.items()}
OURS = {"usher", "usher-daprd"}
# Of the machine and not of the flow: addresses, ports in a container, what compose leaves out.
OF_THE_PLACE = {
    *("app-channel-address", "config", "dapr-listen-addresses", "dapr-internal-grpc-port"),
    *("placement-host-address", "scheduler-host-address", "resources-path", "log-level"),
    *("metrics-port", "metrics-listen-address"),
}


def filled_in(text: str) -> str:
    """Return a text as it is when nobody sets anything."""
    return DEFAULT.sub(r"\1", text)


def flags(argv: list[str]) -> dict[str, str | None]:
    """Return the flags of a command line; a switch has no value."""
    found: dict[str, str | None] = {}
    for word, following in zip(argv, [*argv[1:], "--"], strict=True):
        if word.startswith("--"):
            found[word[2:]] = None if following.startswith("--") else filled_in(following)
    return found


def test_services_stand_in_the_order_of_the_flow_each_before_its_sidecar() -> None:
    names = [name for name in COMPOSED if name.removesuffix("-daprd") in SERVICES]
    assert names == [f"{service}{part}" for service in SERVICES for part in ("", "-daprd")]


@pytest.mark.parametrize("service", SERVICES)
def test_a_sidecar_is_told_what_the_embedded_one_is_told(service: str) -> None:
    nowhere = Binaries(Path("redis-server"), Path("daprd"), Path("placement"), Path("scheduler"))
    specs = {spec.name: spec for spec in processes(StackSettings.model_construct(), nowhere)}
    embedded = flags(list(specs[f"{service}-daprd"].argv))
    composed = flags(COMPOSED[f"{service}-daprd"]["command"])
    differing = {
        name
        for name in {*embedded, *composed} - OF_THE_PLACE
        if embedded.get(name, "") != composed.get(name, "")
    }
    assert differing == set()
    assert ("config" in embedded) == ("config" in composed)


def test_ports_are_those_of_the_embedded_stack_and_on_loopback() -> None:
    published = {
        name: filled_in(port) for name, found in COMPOSED.items() for port in found.get("ports", ())
    }
    sidecar = STACK["starter_dapr_http_port"]
    assert published == {
        **{name: f"127.0.0.1:{STACK[f'{name}_port']}:{STACK[f'{name}_port']}" for name in SERVICES},
        "starter-daprd": f"127.0.0.1:{sidecar}:{sidecar}",
        "jaeger": "127.0.0.1:16686:16686",
    }


def test_every_image_but_our_own_is_pinned() -> None:
    images = {found["image"] for found in COMPOSED.values()} - OURS
    bases = set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)) - OURS
    assert len(bases) == 2
    assert {image for image in images | bases if not re.search(r":v?\d+\.\d+", image)} == set()


def test_images_are_pinned_by_digest_everywhere_or_nowhere() -> None:
    """Everywhere once `make pin-images` has been run where a registry answers."""
    files = [ROOT / "docker-compose.yml", ROOT / "Dockerfile", *(ROOT / "deploy").rglob("*.yaml")]
    named = [
        image
        for file in files
        for image in re.findall(r"^(?: *image:|FROM) (\S+)", file.read_text(), re.MULTILINE)
        if image not in OURS
    ]
    assert len(named) > 5
    assert len({bool(re.search(r"@sha256:[0-9a-f]{64}$", image)) for image in named}) == 1


def test_only_what_wants_tokens_has_the_volume_that_holds_them() -> None:
    holders = {n for n, found in COMPOSED.items() if "secrets:/secrets" in found.get("volumes", ())}
    assert holders == {f"{app}{part}" for app in SERVICES[1:] for part in ("", "-daprd")}
    for name in holders:
        assert COMPOSED[name]["entrypoint"] == ["python", "-m", "usher.stack.with_tokens"], name


def test_every_process_but_redis_runs_bare() -> None:
    for name, found in COMPOSED.items():
        if name not in ("redis", "jaeger"):
            assert found["read_only"], name
            assert found["cap_drop"] == ["ALL"], name


def test_the_dockerfile_asks_for_no_builder_of_its_own() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert not re.search(r"# *syntax|--mount|<<", text)
