"""Proxies of the environment: never between us and this machine, elsewhere as the user says."""

import os

import httpx
import pytest

from orchestrator.settings import Settings
from tests.unit.usher.commands.test_app import accepting
from usher.stack.settings import StackSettings
from usher.stack.supervision import no_proxies
from usher.transport import new_http_client
from usher.urls import direct_hosts

NAMES = ("all_proxy", "http_proxy", "https_proxy", "no_proxy", "no_grpc_proxy")
SOCKS, NOBODY = "socks5://user:secret@127.0.0.1:9", "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_proxy_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def proxied(client: httpx.Client, url: str) -> bool:
    """Whether a request goes through a proxy, or fails for want of one."""
    transport = client._transport_for_url(httpx.URL(url))
    return transport is not client._transport


@pytest.mark.parametrize("proxy", [SOCKS, NOBODY, "socks4://x:1", "http://[::1"])
@pytest.mark.parametrize("name", ["ALL_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy"])
def test_loopback_is_reached_directly_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, name: str, proxy: str
) -> None:
    monkeypatch.setenv(name, proxy)
    urls = ["http://127.0.0.1:8080", "http://127.8.8.8", "http://[::1]:80", "http://a.localhost"]
    with new_http_client(direct_hosts(StackSettings(host="10.9.8.7"), urls)) as client:
        assert not any(proxied(client, url) for url in [*urls, "http://10.9.8.7:8080"])
        assert proxied(client, "http://usher.example")


def test_socks_without_support_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", SOCKS)
    with new_http_client({"127.0.0.1"}) as client:
        with pytest.raises(httpx.ProxyError, match=r"socks5://127\.0\.0\.1:9.*httpx\[socks\]"):
            client.get("http://usher.example/")
        monkeypatch.setenv("NO_PROXY", "usher.invalid")
        with pytest.raises(httpx.ConnectError):
            client.get("http://usher.invalid/")


def test_a_key_and_an_instance_id_are_not_taken_together() -> None:
    services = accepting()
    result = services.run("publish", "hello_workflow", "--key", "7", "--instance-id", "mine")
    assert result.exit_code == 2
    assert "--instance-id and --key" in result.stderr
    assert services.requests == []


@pytest.mark.parametrize(
    ("env", "direct", "grpc"),
    [
        ({}, "127.0.0.1,localhost", "127.0.0.1,localhost"),
        ({"NO_PROXY": "a"}, "a,127.0.0.1,localhost", "a,127.0.0.1,localhost"),
        ({"no_proxy": "*"}, "*", "*,127.0.0.1,localhost"),
        ({"no_proxy": "a", "no_grpc_proxy": "b"}, "a,127.0.0.1,localhost", "b,127.0.0.1,localhost"),
    ],
)
def test_what_the_stack_runs_asks_no_proxy_for_its_neighbours(
    env: dict[str, str], direct: str, grpc: str
) -> None:
    assert no_proxies(env) == {"no_proxy": direct, "NO_PROXY": direct, "no_grpc_proxy": grpc}


def test_the_sdk_asks_no_proxy_for_the_sidecar_wherever_that_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DAPR_HTTP_PORT", "DAPR_GRPC_PORT", "DAPR_API_TIMEOUT_SECONDS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("DAPR_RUNTIME_HOST", "orchestrator-daprd")
    monkeypatch.setenv("NO_PROXY", "example.org")
    for name in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.setenv(name, "example.org")
    Settings().export_to_sdk()
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        assert os.environ[name] == "example.org,orchestrator-daprd"
