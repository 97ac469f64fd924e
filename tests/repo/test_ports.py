"""Ports: below the ephemeral range, and the same in services, stack, `dapr.yaml` and tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from notifier.settings import Settings as NotifierSettings
from orchestrator.settings import Settings as OrchestratorSettings
from starter.settings import Settings as StarterSettings
from tests.repo.files import ROOT, SERVICES, modules, name_of, texts, tree
from usher.stack.settings import StackSettings

EPHEMERAL = 32_768
SETTINGS = {
    "starter": StarterSettings,
    "orchestrator": OrchestratorSettings,
    "notifier": NotifierSettings,
}
OF_THE_STACK = {
    "port": "{}_port",
    "topic_port": "{}_topic_port",
    "dapr_http_port": "{}_dapr_http_port",
    "dapr_grpc_port": "{}_dapr_grpc_port",
}


def defaults(settings: Any) -> dict[str, int]:
    """Return the default of every field that is a port, whatever the environment says."""
    fields = settings.model_fields.items()
    return {name: field.default for name, field in fields if name.endswith("port")}


STACK = defaults(StackSettings)


def test_every_port_of_the_stack_lies_below_the_ephemeral_range() -> None:
    assert STACK
    assert {name: port for name, port in STACK.items() if port >= EPHEMERAL} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_and_the_stack_agree_on_ports(service: str) -> None:
    of_service = defaults(SETTINGS[service])
    assert {name: STACK[OF_THE_STACK[name].format(service)] for name in of_service} == of_service


def test_services_find_each_other_where_they_listen() -> None:
    assert StarterSettings.model_fields["orchestrator_url"].default.endswith(
        f":{STACK['orchestrator_port']}"
    )
    assert NotifierSettings().redis_address.port == STACK["redis_port"]


def test_dapr_run_puts_every_app_where_the_stack_does() -> None:
    document = yaml.safe_load((ROOT / "dapr.yaml").read_text())
    apps = {app["appID"]: app for app in document["apps"]}
    assert set(apps) == set(SERVICES)
    for service, app in apps.items():
        grpc = app.get("appProtocol") == "grpc"
        listens = STACK[f"{service}_topic_port" if grpc else f"{service}_port"]
        assert app["appPort"] == listens
        assert app["daprHTTPPort"] == STACK[f"{service}_dapr_http_port"]
        assert app["daprGRPCPort"] == STACK[f"{service}_dapr_grpc_port"]
        assert app["command"][-1] == service


def test_dapr_run_names_files_that_are_there() -> None:
    common = yaml.safe_load((ROOT / "dapr.yaml").read_text())["common"]
    apps = yaml.safe_load((ROOT / "dapr.yaml").read_text())["apps"]
    configured = [app["configFilePath"] for app in apps if "configFilePath" in app]
    named = [*common["resourcesPaths"], *configured]
    assert configured
    assert [name for name in named if not (ROOT / name).exists()] == []


def ports_in(file: Path) -> Iterator[int]:
    """Yield what a test uses as a port: `host:1234` in text, `port=1234`, `some_port = 1234`."""
    for text in texts(file):
        found = re.findall(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|://[\w.-]+):(\d{4,5})\b", text)
        yield from map(int, found)
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.keyword):
            named = [(node.arg or "", node.value)]
        elif isinstance(node, ast.Assign):
            named = [(ast.unparse(target), node.value) for target in node.targets]
        else:
            continue
        for name, value in named:
            if "port" not in name.lower().split(".")[-1] or not isinstance(value, ast.Constant):
                continue
            if isinstance(value.value, int):
                yield value.value


def test_the_ports_of_tests_are_seen() -> None:
    assert len({port for file in modules("tests") for port in ports_in(file)}) > 10


@pytest.mark.parametrize("file", modules("tests"), ids=name_of)
def test_a_test_uses_ports_below_the_ephemeral_range(file: Path) -> None:
    """Above it the kernel hands them to anyone, and a test would fail now and then."""
    assert [port for port in ports_in(file) if port >= EPHEMERAL] == []
