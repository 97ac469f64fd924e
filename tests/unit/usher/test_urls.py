"""Where the command line looks for the orchestrators."""

import pytest

from usher.stack.settings import StackSettings
from usher.urls import UrlSettings, addresses_of, orchestrator_urls


def nowhere(_: str) -> list[str]:
    return []


def two_pods(host: str) -> list[str]:
    return {"orchestrator-replicas": ["10.0.0.7", "10.0.0.9"]}[host]


@pytest.fixture
def replicas(monkeypatch: pytest.MonkeyPatch) -> UrlSettings:
    monkeypatch.setenv("USHER_ORCHESTRATOR_URL", "http://orchestrator:8081")
    monkeypatch.setenv("USHER_ORCHESTRATOR_REPLICAS_URL", "http://orchestrator-replicas:8081")
    return UrlSettings()


def test_each_address_of_the_replicas_name_is_an_orchestrator(replicas: UrlSettings) -> None:
    found = orchestrator_urls(StackSettings(), replicas, two_pods)
    assert found == ["http://10.0.0.7:8081", "http://10.0.0.9:8081"]


def test_a_name_without_addresses_is_asked_and_so_named_in_the_error(replicas: UrlSettings) -> None:
    found = orchestrator_urls(StackSettings(), replicas, nowhere)
    assert found == ["http://orchestrator-replicas:8081"]


def test_without_that_name_there_is_one_orchestrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USHER_ORCHESTRATOR_URL", "http://orchestrator:8081")
    found = orchestrator_urls(StackSettings(), UrlSettings(), two_pods)
    assert found == ["http://orchestrator:8081"]


def test_a_host_with_addresses_of_both_kinds_is_one_host() -> None:
    assert addresses_of("localhost") in (["127.0.0.1"], ["[::1]"])
    assert addresses_of("no.such.host.invalid") == []
